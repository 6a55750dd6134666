import type { RE2JS } from 're2js';
import { compilePattern } from '../pattern.ts';
import { GROK_PATTERNS } from './grok-patterns.ts';

/** A pattern with its pieces put in, and what its groups are called. */
export interface Grok {
  regex: RE2JS;
  /** Group of the regex → name of the field. */
  names: ReadonlyMap<string, string>;
}

/** What a reference says: `%{IP}`, `%{IP:client}`, `%{INT:bytes:int}` (the type means nothing here: fields are texts). */
const REFERENCE = /%\{(\w+)(?::([^:{}]+))?(?::\w+)?\}/g;
const DEPTH_MAX = 20;
/** Longer ones come of pieces that stand in one another many times. */
const CHARS_MAX = 100_000;

/** The pattern for use, or why it is none. @param own pieces beside the usual ones, before which they come. */
export function compileGrok(pattern: string, own: Readonly<Record<string, string>>): Grok | string {
  const names = new Map<string, string>();
  const expanded = expand(pattern, own, names, 0);
  if ('problem' in expanded) return expanded.problem;
  const regex = compilePattern(expanded.text);
  if (typeof regex === 'string') return regex;
  for (const name of Object.keys(regex.namedGroups())) if (!names.has(name)) names.set(name, name);
  return names.size === 0 ? 'it has no named groups, so there would be no fields' : { regex, names };
}

type Expanded = { text: string } | { problem: string };

function expand(
  pattern: string,
  own: Readonly<Record<string, string>>,
  names: Map<string, string>,
  depth: number,
): Expanded {
  if (depth > DEPTH_MAX) return { problem: 'its pieces stand in one another without an end' };
  let problem: string | undefined;
  let chars = 0;
  const text = pattern.replaceAll(REFERENCE, (_whole, piece: string, field: string | undefined) => {
    const known = pieceOf(piece, own);
    if (known === undefined) problem ??= `there is no piece %{${piece}}`;
    if (known === undefined || problem !== undefined) return '';
    const inner = expand(known, own, names, depth + 1);
    if ('problem' in inner) {
      problem ??= inner.problem;
      return '';
    }
    chars += inner.text.length;
    if (chars > CHARS_MAX) problem ??= `it is longer than ${CHARS_MAX} characters`;
    if (field === undefined) return `(?:${inner.text})`;
    const group = `grok_${names.size}`;
    names.set(group, field);
    return `(?P<${group}>${inner.text})`;
  });
  return problem === undefined ? { text } : { problem };
}

function pieceOf(name: string, own: Readonly<Record<string, string>>): string | undefined {
  if (Object.hasOwn(own, name)) return own[name];
  return Object.hasOwn(GROK_PATTERNS, name) ? GROK_PATTERNS[name] : undefined;
}
