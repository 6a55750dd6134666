import type { Fields } from '../../collector/outcome.ts';
import { isEmpty, textOf } from '../../collector/mapping-value.ts';

/** A decoded field over all records of a sample. */
export interface Profile {
  /** Its name, or the path to it, as rules name it. */
  path: string;
  /** What it says, record by record, without the records in which it is empty; trimmed. */
  texts: string[];
  /** The share of records in which it is not empty. */
  share: number;
}

const DEPTH_MAX = 4;
const PROFILES_MAX = 300;

/** The fields in the order in which they come; of lists the first element is looked at. */
export function profileFields(records: readonly Fields[]): Profile[] {
  const texts = new Map<string, string[]>();
  for (const record of records) {
    for (const [path, text] of leaves(record, '', 1)) {
      // A config would take it for a variable, or for nothing.
      if (path.includes('${') || path.trim() === '') continue;
      const known = texts.get(path);
      if (known !== undefined) known.push(text);
      else if (texts.size < PROFILES_MAX) texts.set(path, [text]);
    }
  }
  return [...texts].map(([path, all]) => ({ path, texts: all, share: all.length / records.length }));
}

function leaves(value: unknown, path: string, depth: number): [string, string][] {
  if (typeof value !== 'object' || value === null) {
    return isEmpty(value) ? [] : [[path, textOf(value).trim()]];
  }
  if (depth > DEPTH_MAX) return [];
  const entries = Array.isArray(value) ? [['0', value[0] as unknown] as const] : Object.entries(value);
  return entries.flatMap(([name, part]) => leaves(part, path === '' ? name : `${path}.${name}`, depth + 1));
}

/** What it says, each text once, in the order in which they come. */
export function distinct({ texts }: Profile): string[] {
  return [...new Set(texts)];
}
