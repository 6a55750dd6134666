import * as v from 'valibot';
import { STATUSES, TRACKING_LOG_FIELDS, trackingLogSchema } from '../common/tracking-log.ts';
import type { TrackingLogField } from '../common/tracking-log.ts';

/** A stored log as the API answers it: the fields of the standard log, '' for texts that are not known and null for such numbers. */

const NUMBERS_OR_NULL: ReadonlySet<TrackingLogField> = new Set([
  'duration_ms',
  'message_size',
  'record_count',
]);
const TIMES: ReadonlySet<TrackingLogField> = new Set(['event_time', 'ingest_time']);
const MAPS: ReadonlySet<TrackingLogField> = new Set(['business_keys', 'attributes']);

export const storedLogSchema = v.strictObject(
  Object.fromEntries(TRACKING_LOG_FIELDS.map((field) => [field, schemaOf(field)])),
);
export type StoredLog = Record<string, unknown>;

function schemaOf(field: TrackingLogField): v.GenericSchema {
  const description = descriptionOf(field);
  const schema = kindOf(field);
  return description === undefined ? schema : v.pipe(schema, v.description(description));
}

function kindOf(field: TrackingLogField): v.GenericSchema {
  if (field === 'attempt') return v.pipe(v.number(), v.integer(), v.minValue(1));
  if (field === 'status') return v.picklist(STATUSES);
  if (TIMES.has(field)) return v.pipe(v.string(), v.isoTimestamp());
  if (MAPS.has(field)) return v.record(v.string(), v.string());
  return NUMBERS_OR_NULL.has(field) ? v.nullable(v.number()) : v.string();
}

function descriptionOf(field: TrackingLogField): string | undefined {
  const entry = trackingLogSchema.entries[field];
  return v.getDescription('wrapped' in entry ? entry.wrapped : entry);
}
