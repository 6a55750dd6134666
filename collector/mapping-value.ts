import type { Fields } from './outcome.ts';

/** Values of a decoded record, as rules and conditions look at them. */

export interface Source {
  fields: Fields;
  meta: Readonly<Record<string, string>>;
  /** When the record was taken, ms since 1970. */
  ingestMillis: number;
}

/** A field by its whole name first, since a dot may be part of it; else as a path. */
export function valueAt({ fields, meta }: Source, path: string): unknown {
  if (Object.hasOwn(fields, path)) return fields[path];
  if (path.startsWith('meta.')) return meta[path.slice('meta.'.length)];
  let value: unknown = fields;
  for (const part of path.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) return undefined;
    value = (value as Record<string, unknown>)[part];
  }
  return value;
}

/** Whether there is nothing: blanks are nothing either, so that no id is made of them. */
export function isEmpty(value: unknown): boolean {
  if (typeof value !== 'string') return value === undefined || value === null;
  return value === '' || (value.charCodeAt(0) <= SPACE && value.trim() === '');
}

const SPACE = 32;

/** The value as a text; what is nested as JSON. */
export function textOf(value: unknown): string {
  if (typeof value === 'string') return value;
  if (value === undefined || value === null) return '';
  try {
    return JSON.stringify(value);
  } catch (error) {
    // Thousands of levels deep: it fits no table and no time.
    if (error instanceof RangeError) return '';
    throw error;
  }
}
