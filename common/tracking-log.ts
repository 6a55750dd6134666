import * as v from 'valibot';
import { cutToBytes } from './text.ts';
import { canonicalTimestamp } from './timestamp.ts';

/**
 * The standard log: what one step of a transaction reports once. This schema is its only definition. Types and
 * validation come from it here; the OpenAPI document, the ClickHouse columns and docs/tracking-log.md are derived
 * from it or compared with it by a test.
 */

export const STATUSES = ['started', 'succeeded', 'failed', 'skipped', 'info'] as const;
/** What a step says of itself; `info` adds facts and never changes a state. */
export type Status = (typeof STATUSES)[number];

/** Bounds in bytes of UTF-8, or in entries of a map. Names that identify something are refused beyond them; free text is cut. */
export const LIMITS = {
  nameBytesMax: 256,
  eventIdBytesMax: 512,
  errorMessageBytesMax: 8 * 1024,
  mapEntriesMax: 64,
  mapKeyBytesMax: 128,
  mapValueBytesMax: 4 * 1024,
  payloadBytesMax: 1024 * 1024,
} as const;

/** Like valibot's maxBytes, which encodes every text to count; most need no look at their characters. */
const fitsIn = (bytesMax: number) => (text: string) =>
  text.length * 3 <= bytesMax || Buffer.byteLength(text) <= bytesMax;

const wellFormed = v.transform((text: string) => (text.isWellFormed() ? text : text.toWellFormed()));
const notText = 'must be a text';

const name = (description: string) =>
  v.pipe(
    v.string(notText),
    v.check(fitsIn(LIMITS.nameBytesMax), `is longer than ${LIMITS.nameBytesMax} bytes`),
    wellFormed,
    v.description(description),
  );

const text = (description: string, bytesMax: number) =>
  v.pipe(
    v.string(notText),
    wellFormed,
    v.transform((value) => cutToBytes(value, bytesMax)),
    v.description(description),
  );

const time = (description: string) =>
  v.pipe(
    v.string('must be a time as text, like "2026-01-31T18:15:00.123456+09:00"'),
    v.rawTransform(({ dataset, addIssue, NEVER }) => {
      const canonical = canonicalTimestamp(dataset.value);
      if (canonical !== undefined) return canonical;
      addIssue({ message: 'is not an RFC 3339 time with its zone, like "2026-01-31T18:15:00.123456+09:00"' });
      return NEVER;
    }),
    v.description(description),
  );

const count = (description: string) =>
  v.pipe(
    v.number('must be a number'),
    v.safeInteger('must be a whole number below 2^53'),
    v.minValue(0, 'must not be negative'),
    v.description(description),
  );

/** Map values may come as numbers or booleans: people write `"items": 5`. They are kept as text. */
const mapValue = v.pipe(
  v.union([v.string(), v.pipe(v.number(), v.finite()), v.boolean()], 'must be a text, a number or a boolean'),
  v.transform((value) => cutToBytes(String(value).toWellFormed(), LIMITS.mapValueBytesMax)),
);

const map = (description: string) =>
  v.pipe(
    v.record(
      v.pipe(
        v.string(),
        v.check(fitsIn(LIMITS.mapKeyBytesMax), `has a key longer than ${LIMITS.mapKeyBytesMax} bytes`),
        wellFormed,
      ),
      mapValue,
      'must be an object of texts',
    ),
    v.maxEntries(LIMITS.mapEntriesMax, `has more than ${LIMITS.mapEntriesMax} entries`),
    v.description(description),
  );

const required = <T extends v.GenericSchema>(schema: T) => schema;
const optional = <T extends v.GenericSchema>(schema: T) => v.exactOptional(schema);

export const trackingLogSchema = v.strictObject({
  event_id: v.pipe(
    v.string(notText),
    v.nonEmpty('must not be empty'),
    v.check(fitsIn(LIMITS.eventIdBytesMax), `is longer than ${LIMITS.eventIdBytesMax} bytes`),
    wellFormed,
    v.description(
      'Identifies the log for ever. Derived from where it came from if not given, so that a log collected twice has one id.',
    ),
  ),
  transaction_id: required(
    v.pipe(
      v.string(notText),
      v.nonEmpty('must not be empty'),
      v.check(fitsIn(LIMITS.nameBytesMax), `is longer than ${LIMITS.nameBytesMax} bytes`),
      wellFormed,
      v.description('The business transaction that the log belongs to, 1 to 256 bytes.'),
    ),
  ),
  parent_transaction_id: optional(name('The transaction that this one was split off from.')),
  interface_id: optional(name('The kind of exchange, e.g. "order, shop to warehouse"; picks the flow.')),
  step: required(
    v.pipe(
      name('The process that reports: send, hub, receive or any other name.'),
      v.nonEmpty('must not be empty'),
    ),
  ),
  branch: v.optional(
    name('Which of several at one step, e.g. one of three receivers that a hub fans out to.'),
    '',
  ),
  attempt: v.optional(
    v.pipe(
      v.number('must be a number'),
      v.safeInteger('must be a whole number'),
      v.minValue(1, 'must be 1 or more'),
      v.maxValue(1_000_000, 'must be at most 1,000,000'),
      v.description('1, 2, … when a step is tried again.'),
    ),
    1,
  ),
  status: required(
    v.pipe(
      v.picklist(STATUSES, `must be one of ${STATUSES.join(', ')}`),
      v.description('What the step says of itself; `info` never changes a state.'),
    ),
  ),
  event_time: required(time('When it happened at the node, kept to the microsecond.')),
  ingest_time: time('When the collector took it; set by the collector.'),
  duration_ms: optional(
    v.pipe(
      v.number('must be a number'),
      v.finite('must be finite'),
      v.minValue(0, 'must not be negative'),
      v.description('How long the step took, in milliseconds, if the node measured it.'),
    ),
  ),
  source_system: optional(name('The system that the message comes from.')),
  target_system: optional(name('The system that the message goes to.')),
  node: optional(name('The machine or EAI node that reports.')),
  process: optional(name('The program, flow or adapter that reports.')),
  channel: optional(name('How the log arrived: http, file, mq, …; set by the collector.')),
  input: optional(name("The input's configured name; set by the collector.")),
  business_keys: optional(map('What people search by: order number, account, …')),
  message_size: optional(count('Size of the business message in bytes.')),
  record_count: optional(count('Records in the business message.')),
  error_code: optional(name('Code of the failure.')),
  error_message: optional(text('The failure in words; cut at 8 KiB.', LIMITS.errorMessageBytesMax)),
  attributes: optional(map('Everything else that was mapped; values are cut at 4 KiB.')),
  payload: optional(text('The business message, masked and capped.', LIMITS.payloadBytesMax)),
  trace_id: optional(name('W3C trace id, if known.')),
  span_id: optional(name('W3C span id, if known.')),
});

/** A valid standard log. Times are canonical texts (common/timestamp.ts); absent fields are left out. */
export type TrackingLog = v.InferOutput<typeof trackingLogSchema>;
export type TrackingLogField = keyof TrackingLog;
export const TRACKING_LOG_FIELDS = Object.keys(trackingLogSchema.entries) as TrackingLogField[];

/** One thing wrong with one field: `{ field: 'status', reason: 'must be one of …' }`. */
export interface FieldIssue {
  field: string;
  reason: string;
}

/** What a collector fills in when the log does not say it itself. */
export interface CollectorStamp {
  event_id: string;
  ingest_time: string;
  channel: string;
  input: string;
}

/** What a record says itself: the standard log without what the collector fills in. */
const {
  event_id,
  ingest_time: _ingest,
  channel: _channel,
  input: _input,
  ...ownEntries
} = trackingLogSchema.entries;
const recordSchema = v.strictObject({ event_id: v.exactOptional(event_id), ...ownEntries });
type CheckedRecord = v.InferOutput<typeof recordSchema>;

/**
 * Checks a record against the standard log. A field that is null or an empty text counts as absent, so that
 * an empty transaction id is never an id. Returns every issue, not only the first.
 */
export function checkTrackingLog(
  record: Readonly<Record<string, unknown>>,
  stamp: CollectorStamp,
): { log: TrackingLog; issues?: never } | { log?: never; issues: FieldIssue[] } {
  const given = needsNoCopy(record) ? record : copyOfGiven(record);
  const result = v.safeParse(recordSchema, given);
  const amiss = issuesOfMaps(given);
  if (!result.success || amiss.length > 0) {
    return { issues: [...amiss, ...(result.issues ?? []).map(toFieldIssue)] };
  }
  return { log: stamped(result.output, stamp) };
}

/** Onto the fresh object that the check made: copying it once more would cost as much as the whole check. */
function stamped(checked: CheckedRecord, stamp: CollectorStamp): TrackingLog {
  const log = checked as Partial<TrackingLog> & CheckedRecord;
  log.event_id ??= stamp.event_id;
  log.ingest_time = stamp.ingest_time;
  log.channel = stamp.channel;
  log.input = stamp.input;
  return log as TrackingLog;
}

/** What the collector sets itself, whatever the record says of it. */
const STAMPED = ['ingest_time', 'channel', 'input'] as const;

function isAbsent(value: unknown): boolean {
  return value === null || value === '' || value === undefined;
}

/** The common case: nothing empty in it, and nothing that only the collector says. */
function needsNoCopy(record: Readonly<Record<string, unknown>>): boolean {
  for (const field of Object.keys(record)) if (isAbsent(record[field])) return false;
  return !STAMPED.some((field) => Object.hasOwn(record, field));
}

function copyOfGiven(record: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const stampedFields: readonly string[] = STAMPED;
  // Entries keep an own key named __proto__ a key.
  return Object.fromEntries(
    Object.entries(record).filter(([field, value]) => !isAbsent(value) && !stampedFields.includes(field)),
  );
}

const RESERVED = ['__proto__', 'prototype', 'constructor'] as const;

/**
 * What valibot's record passes over without a word: keys that it leaves out, lest they reach a prototype, and lists, which are objects
 * to it with the keys 0, 1, … that nobody gave and no mask is for.
 */
function issuesOfMaps(record: Readonly<Record<string, unknown>>): FieldIssue[] {
  const issues: FieldIssue[] = [];
  for (const field of ['business_keys', 'attributes']) {
    const map = record[field];
    if (typeof map !== 'object' || map === null) continue;
    if (Array.isArray(map)) issues.push({ field, reason: 'must be an object of texts, not a list' });
    for (const key of RESERVED) {
      if (!Object.hasOwn(map, key)) continue;
      issues.push({ field, reason: `has the key ${key}, which cannot be kept; give it another name` });
    }
  }
  return issues;
}

function toFieldIssue(issue: v.BaseIssue<unknown>): FieldIssue {
  const field = v.getDotPath(issue) ?? '';
  if (issue.type !== 'strict_object') return { field, reason: issue.message };
  return issue.expected === 'never'
    ? { field, reason: 'is not a field of the standard log; put it under attributes' }
    : { field, reason: 'is required' };
}
