import { LOG_COLUMNS, logFromRow } from './log-row.ts';
import type { StreamKind } from './redis/keys.ts';
import { rowOfSummary, STEP_COLUMNS, SUMMARY_COLUMNS } from './summary-row.ts';

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
  if (kind === 'dead_letter') return isObject(parsed) ? { row: parsed } : { reason: 'is not a JSON object' };
  const row = kind === 'log' ? logFromRow(parsed) : rowOfSummary(parsed);
  return row === undefined ? { reason: NO_ROW[kind] } : { row };
}

const NO_ROW: Readonly<Record<'log' | 'summary', string>> = {
  log: `is not a JSON array of at most ${LOG_COLUMNS.length} values`,
  summary: `is not a JSON array of at most ${SUMMARY_COLUMNS.length} values, with steps of at most ${STEP_COLUMNS.length}`,
};

const WORDS_MAX = 300;

function isObject(value: unknown): value is WireRow {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
