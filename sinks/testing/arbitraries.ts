import fc from 'fast-check';
import type { Summary, SummaryStep } from '../../common/summary.ts';
import { checkTrackingLog, STATUSES, TRACKING_LOG_FIELDS } from '../../common/tracking-log.ts';
import type { TrackingLog } from '../../common/tracking-log.ts';
import { NOW } from './rows.ts';

/** Logs and summaries of any kind that the schemas let through, for tests of what a store gives back. */

/** Any UTF-16, half pairs too: what JSON can carry. */
const nasty = fc
  .array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 12 })
  .map((units) => String.fromCharCode(...units));
const text = fc.oneof(
  nasty,
  fc.string({ unit: 'binary', maxLength: 20 }),
  fc.constantFrom('\\N', 'NULL', '""', "'\t\n\r"),
);
const filled = text.filter((value) => value !== '');
const map = fc.dictionary(
  text.map((key) => key.toWellFormed()),
  fc.oneof(text, fc.double({ noNaN: true, noDefaultInfinity: true }), fc.boolean()),
  { maxKeys: 4 },
);
const count = fc.oneof(fc.nat(), fc.maxSafeNat());
/** 1900 to 2299, to the microsecond. */
const time = fc
  .tuple(fc.integer({ min: Date.UTC(1900, 0, 1), max: Date.UTC(2299, 11, 31, 23, 59, 59) }), fc.nat(999))
  .map(([ms, micros]) => `${new Date(ms).toISOString().slice(0, -1)}${String(micros).padStart(3, '0')}Z`);
const millis = fc.double({ min: 0, noNaN: true, noDefaultInfinity: true }).map((value) => value + 0);

export const anyLog = fc.record(
  {
    transaction_id: filled,
    step: filled,
    status: fc.constantFrom(...STATUSES),
    event_time: time,
    parent_transaction_id: text,
    interface_id: text,
    branch: text,
    attempt: fc.integer({ min: 1, max: 1_000_000 }),
    duration_ms: millis,
    source_system: text,
    target_system: text,
    node: text,
    process: text,
    business_keys: map,
    message_size: count,
    record_count: count,
    error_code: text,
    error_message: text,
    attributes: map,
    payload: fc.oneof(text, fc.string({ unit: 'binary', minLength: 2000, maxLength: 5000 })),
    trace_id: text,
    span_id: text,
  },
  { requiredKeys: ['transaction_id', 'step', 'status', 'event_time'] },
);

/** The standard log of it, if it is one, as a collector makes it. */
export function standardLog(record: object, index: number): TrackingLog[] {
  const stamp = { event_id: `e${index}`, ingest_time: NOW, channel: 'http', input: 'api' };
  const { log } = checkTrackingLog({ ...record }, stamp);
  return log === undefined ? [] : [log];
}

/** As a row: what the log does not say is '', null for numbers, or an empty map. */
export function rowOf(log: TrackingLog): Record<string, unknown> {
  const unknown: Record<string, unknown> = {
    duration_ms: null,
    message_size: null,
    record_count: null,
    business_keys: {},
    attributes: {},
  };
  return Object.fromEntries(
    TRACKING_LOG_FIELDS.map((field) => [
      field,
      log[field] ?? (Object.hasOwn(unknown, field) ? unknown[field] : ''),
    ]),
  );
}

/** Texts of a summary come out of standard logs: well-formed. */
const formed = text.map((value) => value.toWellFormed());
const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: null });
const negative = fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0);

const anyStep: fc.Arbitrary<SummaryStep> = fc.record({
  step: formed,
  branch: formed,
  attempt: fc.integer({ min: 1, max: 1_000_000 }),
  status: fc.constantFrom('started' as const, 'succeeded' as const, 'failed' as const, 'skipped' as const),
  started_at: time,
  ended_at: maybe(time),
  duration_ms: maybe(millis),
  queue_ms: maybe(negative),
  node: formed,
  error_code: formed,
  error_message: formed,
  expected: fc.boolean(),
});

export const anySummary: fc.Arbitrary<Partial<Summary>> = fc.record({
  interface_id: formed,
  status: fc.constantFrom('in_progress', 'completed', 'failed', 'timed_out'),
  started_at: time,
  ended_at: maybe(time),
  last_event_at: time,
  duration_ms: maybe(negative),
  steps_expected: fc.nat(200),
  steps_finished: fc.nat(200),
  steps: fc.array(anyStep, { maxLength: 4 }),
  error_message: formed,
  error_at: maybe(time),
  business_keys: fc.dictionary(formed, formed, { maxKeys: 4 }),
  late: fc.boolean(),
  cut: fc.boolean(),
  deadline_at: maybe(time),
  version: fc.integer({ min: 1, max: 2 ** 40 }),
});
