import type { StreamKind } from '../common/redis/keys.ts';

/**
 * What a value in a row can be, for stores that have no columns of their own: `count` is a whole number from 0 on, `time` a text as in
 * common/timestamp.ts, `map` an object of texts, `steps` a list of objects of STEP_COLUMNS. Absent and null mean the same.
 */
export type ColumnKind = 'text' | 'count' | 'number' | 'time' | 'flag' | 'map' | 'steps';
export type Columns = Readonly<Record<string, ColumnKind>>;

/** The rows of each stream: fields of TrackingLog, Summary and DeadLetter, to which a test holds them. */
export const COLUMNS: Readonly<Record<StreamKind, Columns>> = {
  log: {
    event_id: 'text',
    transaction_id: 'text',
    parent_transaction_id: 'text',
    interface_id: 'text',
    step: 'text',
    branch: 'text',
    attempt: 'count',
    status: 'text',
    event_time: 'time',
    ingest_time: 'time',
    duration_ms: 'number',
    source_system: 'text',
    target_system: 'text',
    node: 'text',
    process: 'text',
    channel: 'text',
    input: 'text',
    business_keys: 'map',
    message_size: 'count',
    record_count: 'count',
    error_code: 'text',
    error_message: 'text',
    attributes: 'map',
    payload: 'text',
    trace_id: 'text',
    span_id: 'text',
  },
  summary: {
    transaction_id: 'text',
    interface_id: 'text',
    parent_transaction_id: 'text',
    source_system: 'text',
    target_system: 'text',
    status: 'text',
    started_at: 'time',
    ended_at: 'time',
    last_event_at: 'time',
    duration_ms: 'number',
    steps_expected: 'count',
    steps_finished: 'count',
    steps: 'steps',
    last_step: 'text',
    error_step: 'text',
    error_branch: 'text',
    error_code: 'text',
    error_message: 'text',
    error_at: 'time',
    business_keys: 'map',
    late: 'flag',
    cut: 'flag',
    deadline_at: 'time',
    version: 'count',
    created_at: 'time',
    updated_at: 'time',
  },
  dead_letter: {
    event_id: 'text',
    stage: 'text',
    input: 'text',
    channel: 'text',
    reason: 'text',
    ingest_time: 'time',
    raw_base64: 'text',
    meta: 'map',
  },
};

/** The fields of one of a summary's steps. */
export const STEP_COLUMNS: Columns = {
  step: 'text',
  branch: 'text',
  attempt: 'count',
  status: 'text',
  started_at: 'time',
  ended_at: 'time',
  duration_ms: 'number',
  queue_ms: 'number',
  node: 'text',
  error_code: 'text',
  error_message: 'text',
  expected: 'flag',
};

/** What a row must have: without it, it could not be told apart from others, or found, or ever expire. */
export const REQUIRED: Readonly<Record<StreamKind, readonly string[]>> = {
  log: ['event_id', 'transaction_id', 'event_time', 'ingest_time'],
  summary: ['transaction_id', 'version', 'created_at', 'updated_at'],
  dead_letter: ['event_id', 'ingest_time'],
};
