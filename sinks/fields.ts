import type { DeadLetter } from '../common/dead-letter.ts';
import type { StreamKind } from '../common/redis/keys.ts';
import type { Summary, SummaryStep } from '../common/summary.ts';
import type { TrackingLogField } from '../common/tracking-log.ts';

/**
 * The fields of the rows of each stream, for stores that have to know what kind of value each is. A field that is new in common/ does not compile until it is
 * named here.
 */

/**
 * What a value may be. `key`: a text that is not empty. `text`: '' if it is not known. With `?`: null if it is not known; without, times and numbers
 * must be there. `map`: an object of texts. `steps`: the steps of a summary. `bytes`: base64.
 */
export type FieldKind =
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

/** The fields of a row, or of a step in it. */
export type Fields = Readonly<Record<string, FieldKind>>;

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
} as const satisfies Record<TrackingLogField, FieldKind>;

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
} as const satisfies Record<keyof Summary, FieldKind>;

/** The objects in a summary's `steps`. */
export const STEP_FIELDS = {
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
} as const satisfies Record<keyof SummaryStep, FieldKind>;

const DEAD_LETTER = {
  event_id: 'key',
  stage: 'text',
  input: 'text',
  channel: 'text',
  reason: 'text',
  ingest_time: 'time',
  raw_base64: 'bytes',
  meta: 'map',
} as const satisfies Record<keyof DeadLetter, FieldKind>;

export const FIELDS: Readonly<Record<StreamKind, Fields>> = {
  log: TRACKING_LOG,
  summary: TRANSACTION_SUMMARY,
  dead_letter: DEAD_LETTER,
};
