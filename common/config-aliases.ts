import { visit } from 'yaml';
import type { Alias, Document, YAMLError } from 'yaml';

/** A value that begins with `*` is an alias to YAML. People mean a pattern: `interface: *-order`. */

export interface AliasMistake {
  offset: number;
  reason: string;
}

const QUOTES = 'put quotes around a value that begins with `*`';

/** What a document's values are, or the aliases that keep it from having any. */
export function valuesOf(document: Document): { values: unknown; mistakes: AliasMistake[] } {
  const mistakes: AliasMistake[] = [];
  let first: Alias | undefined;
  visit(document, {
    Alias: (_key, alias, ancestors) => {
      first ??= alias;
      const target = alias.resolve(document);
      if (target === undefined) {
        const reason = `*${alias.source} is an alias in YAML, and there is no &${alias.source} before it; ${QUOTES}`;
        mistakes.push({ offset: offsetOf(alias), reason });
      } else if (ancestors.includes(target)) {
        mistakes.push({
          offset: offsetOf(alias),
          reason: `*${alias.source} stands for what it is a part of`,
        });
      }
    },
  });
  if (mistakes.length > 0) return { values: undefined, mistakes };
  try {
    return { values: document.toJS() as unknown, mistakes };
  } catch (error) {
    // The library counts what aliases of aliases would become.
    if (!(error instanceof ReferenceError)) throw error;
    const reason = 'aliases like this one are too many, or stand for too much; write out what they stand for';
    return { values: undefined, mistakes: [{ offset: first === undefined ? 0 : offsetOf(first), reason }] };
  }
}

/** Why a text is no YAML, in words. */
export function reasonOfYaml({ code, message }: YAMLError): string {
  return `is not YAML: ${message}${code === 'BAD_ALIAS' ? `; ${QUOTES}` : ''}`;
}

function offsetOf(alias: Alias): number {
  return alias.range?.[0] ?? 0;
}
