import { PermanentError } from './errors.ts';
import type { MergeLog } from './merge.ts';
import { STATUSES } from './tracking-log.ts';
import type { TrackingLog, TrackingLogField } from './tracking-log.ts';

/**
 * Logs on the wire: one JSON array each, values in the order of LOG_COLUMNS, null for what is absent and nothing for what is absent at
 * the end: as ClickHouse reads JSONCompactEachRow. Beside objects with their names that is half of the bytes in Redis and two thirds of
 * what ClickHouse spends on reading them (docs/decisions/015).
 *
 * What the merge reads comes first, so that a processor need not look at the rest, which may be large. New columns go to the end:
 * positions never change their meaning.
 */
export const LOG_COLUMNS = [
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
  'ingest_time',
  'channel',
  'input',
  'process',
  'message_size',
  'record_count',
  'trace_id',
  'span_id',
  'attributes',
  'payload',
] as const satisfies readonly TrackingLogField[];

/** So many of them are what the merge reads; of these so many are in every row. */
const MERGED = 16;
const REQUIRED = 5;

/** The row of a log, without its newline. */
export function logToLine(log: TrackingLog): string {
  // Field by field and not over LOG_COLUMNS, since it is done for every log.
  const row: unknown[] = [
    log.transaction_id,
    log.step,
    log.status,
    log.event_time,
    log.event_id,
    log.interface_id,
    log.branch,
    log.attempt,
    log.duration_ms,
    log.node,
    log.error_code,
    log.error_message,
    log.business_keys,
    log.parent_transaction_id,
    log.source_system,
    log.target_system,
    log.ingest_time,
    log.channel,
    log.input,
    log.process,
    log.message_size,
    log.record_count,
    log.trace_id,
    log.span_id,
    log.attributes,
    log.payload,
  ];
  let end = row.length;
  while (row[end - 1] === undefined) end -= 1;
  row.length = end;
  // Absent ones in between become null.
  return JSON.stringify(row);
}

/** A row as an object, absent fields left out. Undefined for what is no row, or has more than this release knows. */
export function logFromRow(row: unknown): Record<string, unknown> | undefined {
  if (!Array.isArray(row) || row.length > LOG_COLUMNS.length) return undefined;
  const log: Record<string, unknown> = {};
  (row as unknown[]).forEach((value, index) => {
    const column = LOG_COLUMNS[index];
    if (column !== undefined && value !== null) log[column] = value;
  });
  return log;
}

/** Of larger rows only what the merge reads is parsed. */
const WHOLE_BYTES_MAX = 1024;

/** What the merge needs of each row of an entry's body. Throws a PermanentError that says what is wrong with the entry. */
export function mergeLogsOf(body: Buffer, rows: number): MergeLog[] {
  const lines = body.toString().slice(0, -1);
  const parsed =
    body.length / rows <= WHOLE_BYTES_MAX
      ? parse(`[${lines.replaceAll('\n', ',')}]`)
      : lines.split('\n').map((line) => parse(beginningOf(line)));
  if (!Array.isArray(parsed) || parsed.length !== rows) {
    throw new PermanentError('does not have as many rows as it says in the field n');
  }
  return (parsed as unknown[]).map(mergeLogOf);
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch (error) {
    throw new PermanentError('has a row that is not JSON', { cause: error });
  }
}

/** A row up to the end of what the merge reads. */
function beginningOf(line: string): string {
  let [columns, depth, inText] = [0, 0, false];
  for (let at = 0; at < line.length; at += 1) {
    const character = line[at];
    if (inText) {
      if (character === '\\') at += 1;
      else if (character === '"') inText = false;
    } else if (character === '"') inText = true;
    else if (character === '[' || character === '{') depth += 1;
    else if (character === ']' || character === '}') depth -= 1;
    else if (character === ',' && depth === 1) {
      columns += 1;
      if (columns === MERGED) return `${line.slice(0, at)}]`;
    }
  }
  return line;
}

/** No schema, since it is done for every log; but nothing that could trip up the merge comes through. */
function mergeLogOf(row: unknown): MergeLog {
  if (!Array.isArray(row)) throw new PermanentError('has a row that is not an array');
  const values = row as unknown[];
  for (let i = 0; i < MERGED; i += 1) {
    const value = values[i];
    if (value === null || value === undefined) {
      if (i < REQUIRED) throw new PermanentError(`has a row without ${LOG_COLUMNS[i]}`);
      // Both mean absent to the merge once they are one.
      values[i] = undefined;
      continue;
    }
    const check = CHECKS[i];
    if (check === undefined ? typeof value !== 'string' : !check(value)) {
      throw new PermanentError(`has a row whose ${LOG_COLUMNS[i]} is not one`);
    }
  }
  // Written out, so that all have one shape: what reads them is compiled for it. In the order of LOG_COLUMNS, as a test holds it to.
  const log: Record<keyof MergeLog, unknown> = {
    transaction_id: values[0],
    step: values[1],
    status: values[2],
    event_time: values[3],
    event_id: values[4],
    interface_id: values[5],
    branch: values[6],
    attempt: values[7],
    duration_ms: values[8],
    node: values[9],
    error_code: values[10],
    error_message: values[11],
    business_keys: values[12],
    parent_transaction_id: values[13],
    source_system: values[14],
    target_system: values[15],
  };
  return log as unknown as MergeLog;
}

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/;

/** What is more than just any text, by its place: a lookup by name would cost as much as all the checks. */
const CHECKS = LOG_COLUMNS.map((column) => {
  const checks: Partial<Record<TrackingLogField, (value: unknown) => boolean>> = {
    status: (value) => (STATUSES as readonly unknown[]).includes(value),
    event_time: (value) => typeof value === 'string' && TIME.test(value),
    attempt: Number.isSafeInteger,
    duration_ms: (value) => typeof value === 'number',
    business_keys: isTexts,
  };
  return checks[column];
});

function isTexts(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  for (const name in value) {
    if (typeof (value as Record<string, unknown>)[name] !== 'string') return false;
  }
  return true;
}
