import type { DeadLetter } from '../../common/dead-letter.ts';
import type { StreamKind } from '../../common/redis/keys.ts';
import type { Summary, SummaryStep } from '../../common/summary.ts';
import type { TrackingLogField } from '../../common/tracking-log.ts';

/**
 * The three tables as every SQL store has them: which field of a row goes into which column, and what kind of value it is. A field that is
 * new in common/ does not compile until it is named here; how a kind is spelled (jsonb, DATETIME(6)) is the store's own matter.
 */

/**
 * What a value may be. `key`: a text that is not empty. `text`: '' if it is not known. With `?`: null if it is not known; without, times and numbers
 * must be there. `map`: an object of texts. `steps`: the steps of a summary. `bytes`: base64 in the row, bytes in the table.
 */
export type Kind =
  | 'key'
  | 'text'
  | 'time'
  | 'time?'
  | 'integer'
  | 'integer?'
  | 'number?'
  | 'boolean'
  | 'map'
  | 'steps'
  | 'bytes';

export interface Column {
  /** In the row's JSON. */
  field: string;
  /** In the table. */
  name: string;
  kind: Kind;
}

export interface Table {
  stream: StreamKind;
  name: 'tracking_log' | 'transaction_summary' | 'dead_letter';
  columns: readonly Column[];
  /** Columns of its primary key: what makes a row that comes again the same row. */
  key: readonly string[];
  /** When a row came or changed: what its retention counts from. */
  since: string;
}

const TRACKING_LOG = {
  event_id: 'key',
  transaction_id: 'key',
  parent_transaction_id: 'text',
  interface_id: 'text',
  step: 'text',
  branch: 'text',
  attempt: 'integer',
  status: 'text',
  event_time: 'time',
  ingest_time: 'time',
  duration_ms: 'number?',
  source_system: 'text',
  target_system: 'text',
  node: 'text',
  process: 'text',
  channel: 'text',
  input: 'text',
  business_keys: 'map',
  message_size: 'integer?',
  record_count: 'integer?',
  error_code: 'text',
  error_message: 'text',
  attributes: 'map',
  payload: 'text',
  trace_id: 'text',
  span_id: 'text',
} as const satisfies Record<TrackingLogField, Kind>;

const TRANSACTION_SUMMARY = {
  transaction_id: 'key',
  interface_id: 'text',
  parent_transaction_id: 'text',
  source_system: 'text',
  target_system: 'text',
  status: 'text',
  started_at: 'time',
  ended_at: 'time?',
  last_event_at: 'time',
  duration_ms: 'number?',
  steps_expected: 'integer',
  steps_finished: 'integer',
  steps: 'steps',
  last_step: 'text',
  error_step: 'text',
  error_branch: 'text',
  error_code: 'text',
  error_message: 'text',
  error_at: 'time?',
  business_keys: 'map',
  late: 'boolean',
  cut: 'boolean',
  deadline_at: 'time?',
  version: 'integer',
  created_at: 'time',
  updated_at: 'time',
} as const satisfies Record<keyof Summary, Kind>;

/** The objects in a summary's `steps`. */
export const STEP_KINDS = {
  step: 'text',
  branch: 'text',
  attempt: 'integer',
  status: 'text',
  started_at: 'time',
  ended_at: 'time?',
  duration_ms: 'number?',
  queue_ms: 'number?',
  node: 'text',
  error_code: 'text',
  error_message: 'text',
  expected: 'boolean',
} as const satisfies Record<keyof SummaryStep, Kind>;

const DEAD_LETTER = {
  event_id: 'key',
  stage: 'text',
  input: 'text',
  channel: 'text',
  reason: 'text',
  ingest_time: 'time',
  raw_base64: 'bytes',
  meta: 'map',
} as const satisfies Record<keyof DeadLetter, Kind>;

export const TABLES: Readonly<Record<StreamKind, Table>> = {
  log: {
    stream: 'log',
    name: 'tracking_log',
    columns: columnsOf(TRACKING_LOG),
    key: ['transaction_id', 'event_id'],
    since: 'ingest_time',
  },
  summary: {
    stream: 'summary',
    name: 'transaction_summary',
    columns: columnsOf(TRANSACTION_SUMMARY),
    key: ['transaction_id'],
    since: 'updated_at',
  },
  dead_letter: {
    stream: 'dead_letter',
    name: 'dead_letter',
    columns: columnsOf(DEAD_LETTER),
    // Two stores may refuse the same row of a batch with the same bounds: their letters differ in the stage alone.
    key: ['event_id', 'stage'],
    since: 'ingest_time',
  },
};

function columnsOf(kinds: Readonly<Record<string, Kind>>): Column[] {
  return Object.entries(kinds).map(([field, kind]) => ({
    field,
    name: kind === 'bytes' ? field.replace('_base64', '') : field,
    kind,
  }));
}

/** Where a column stands in a row's values. */
export function placeOf(table: Table, name: string): number {
  const place = table.columns.findIndex((column) => column.name === name);
  if (place === -1) throw new TypeError(`${table.name} has no column ${name}`);
  return place;
}
