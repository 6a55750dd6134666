import { logFromRow } from './log-row.ts';
import type { StreamKind } from './redis/keys.ts';

/** A row of any stream as an object by its fields' names. */
export type WireRow = Record<string, unknown>;

/** What a line of an entry stands for, or in words why it is no row. */
export function rowFromLine(
  kind: StreamKind,
  line: string,
): { row: WireRow; reason?: never } | { row?: never; reason: string } {
  let parsed: unknown;
  try {
    parsed = JSON.parse(line);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return { reason: `is not JSON: ${error.message.replaceAll(/\s+/g, ' ').slice(0, WORDS_MAX)}` };
  }
  if (kind === 'log') {
    const row = logFromRow(parsed);
    return row === undefined
      ? { reason: 'is not a JSON array of as many values as there are columns' }
      : { row };
  }
  return isObject(parsed) ? { row: parsed } : { reason: 'is not a JSON object' };
}

const WORDS_MAX = 300;

function isObject(value: unknown): value is WireRow {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
