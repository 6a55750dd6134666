import { PermanentError } from './errors.ts';
import type { MergeLog } from './merge.ts';
import type { StreamKind } from './redis/keys.ts';
import type { TrackingLog } from './tracking-log.ts';

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

/** The header's row of one log, in the order of HEADER_FIELDS. Absent fields are null, so that positions hold; trailing ones are left out. */
export function headerOf(log: TrackingLog): unknown[] {
  // Field by field and not over HEADER_FIELDS, since it is done for every log (with its JSON: 1.2 instead of 1.6 µs).
  const row: unknown[] = [
    log.transaction_id,
    log.step,
    log.status,
    log.event_time,
    log.event_id,
    log.interface_id ?? null,
    log.branch,
    log.attempt,
    log.duration_ms ?? null,
    log.node ?? null,
    log.error_code ?? null,
    log.error_message ?? null,
    log.business_keys ?? null,
    log.parent_transaction_id ?? null,
    log.source_system ?? null,
    log.target_system ?? null,
  ];
  let end = row.length;
  while (row[end - 1] === null) end -= 1;
  row.length = end;
  return row;
}

/** One entry's content, ready to be sent. */
export interface EncodedEntry {
  rows: number;
  /** The field `h`; '' for streams that have none. */
  header: string;
  body: string;
}

/** Rows, and for logs their headers, as as few entries as the bounds allow, in order. */
export function encodeEntries(rows: readonly { line: string; header?: string }[]): EncodedEntry[] {
  const entries: EncodedEntry[] = [];
  let start = 0;
  let bytes = 0;
  const close = (end: number) => {
    const part = rows.slice(start, end);
    const headers = part.flatMap((row) => (row.header === undefined ? [] : [row.header]));
    entries.push({
      rows: part.length,
      header: headers.length === 0 ? '' : `[${headers.join(',')}]`,
      body: `${part.map((row) => row.line).join('\n')}\n`,
    });
    start = end;
    bytes = 0;
  };
  rows.forEach((row, index) => {
    // UTF-16 units are near enough: the bound protects memory, it is not a promise.
    const size = row.line.length + (row.header?.length ?? 0);
    if (index > start && (index - start >= ENTRY_ROWS_MAX || bytes + size > ENTRY_BYTES_MAX)) close(index);
    bytes += size;
  });
  if (rows.length > start) close(rows.length);
  return entries;
}

/** A stream entry as it is read: its id and its fields, bytes untouched. */
export interface StreamEntry {
  id: string;
  rows: number;
  header: Buffer | undefined;
  body: Buffer;
}

/** Takes a reply of XREAD or XRANGE apart: `[id, [field, value, …]]`. Throws a PermanentError for an entry of another version or without its rows. */
export function decodeEntry(kind: StreamKind, raw: readonly [Buffer, readonly Buffer[]]): StreamEntry {
  const [id, fields] = raw;
  let version = '';
  let rows = 0;
  let header: Buffer | undefined;
  let body: Buffer | undefined;
  for (let i = 0; i + 1 < fields.length; i += 2) {
    const field = String(fields[i]);
    if (field === 'v') version = String(fields[i + 1]);
    else if (field === 'n') rows = Number(String(fields[i + 1]));
    else if (field === 'h') header = fields[i + 1];
    else if (field === ROWS_FIELD[kind]) body = fields[i + 1];
  }
  if (version !== ENTRY_VERSION || body === undefined || !Number.isSafeInteger(rows)) {
    throw new PermanentError(
      `entry ${String(id)} of a ${kind} stream is not of format version ${ENTRY_VERSION}`,
    );
  }
  return { id: String(id), rows, header, body };
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
    if (!Array.isArray(row))
      throw new PermanentError('a row in the header of a stream entry is not an array');
    const log: Record<string, unknown> = {};
    for (let i = 0; i < row.length; i += 1) {
      const field = HEADER_FIELDS[i];
      if (field !== undefined && row[i] !== null) log[field] = row[i];
    }
    return log as unknown as MergeLog;
  });
}
