import type { MergeLog } from './merge.ts';
import type { StreamKind } from './redis/keys.ts';
import type { TrackingLog } from './tracking-log.ts';
import { PermanentError } from './errors.ts';

/**
 * The wire: one stream entry is one batch of one partition. Its fields are
 *
 * - `v`: version of this format,
 * - `n`: number of rows,
 * - `logs`, `summaries` or `dead_letters`: the rows as NDJSON, exactly as ClickHouse reads JSONEachRow, so that a sink passes the
 *   bytes on without parsing them,
 * - `h` (log stream only): one JSON array of arrays with what the merge needs of each log, in the order of
 *   `HEADER_FIELDS`, trailing absent ones left out; so the processor parses no lines.
 */
export const ENTRY_VERSION = '1';

/** Bounds of one entry: large enough that Redis' cost per entry vanishes (measured from 50 logs on), small enough for a script. */
export const ENTRY_ROWS_MAX = 256;
export const ENTRY_BYTES_MAX = 1024 * 1024;

export const ROWS_FIELD: Readonly<Record<StreamKind, string>> = {
  log: 'logs',
  summary: 'summaries',
  dead_letter: 'dead_letters',
};

const HEADER_FIELDS = [
  'transaction_id',
  'step',
  'status',
  'event_time',
  'event_id',
  'ingest_time',
  'interface_id',
  'branch',
  'attempt',
  'duration_ms',
  'node',
  'error_code',
  'error_message',
  'business_keys',
  'parent_transaction_id',
  'source_system',
  'target_system',
] as const satisfies readonly (keyof MergeLog)[];

/** The header's row of one log. Absent fields are null, so that positions hold; trailing ones are left out. */
export function headerOf(log: TrackingLog): unknown[] {
  const row: unknown[] = HEADER_FIELDS.map((field) => log[field] ?? null);
  while (row.at(-1) === null) row.pop();
  return row;
}

/** What the merge needs of each log of an entry. Throws a PermanentError when the header is not one. */
export function decodeHeader(header: Buffer): MergeLog[] {
  let rows: unknown;
  try {
    rows = JSON.parse(header.toString());
  } catch (error) {
    throw new PermanentError('the header of a stream entry is not JSON', { cause: error });
  }
  if (!Array.isArray(rows)) throw new PermanentError('the header of a stream entry is not an array');
  return rows.map((row: unknown) => {
    if (!Array.isArray(row)) throw new PermanentError('a row in the header of a stream entry is not an array');
    const log: Record<string, unknown> = {};
    for (let i = 0; i < row.length; i += 1) {
      const field = HEADER_FIELDS[i];
      if (field !== undefined && row[i] !== null) log[field] = row[i];
    }
    return log as unknown as MergeLog;
  });
}
