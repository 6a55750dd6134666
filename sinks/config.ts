import * as v from 'valibot';
import { adminConfigSchema, byteSize, duration, wholeNumber } from '../common/config-values.ts';

/** Settings that the sinks processes share, whatever they store into. Durations are in milliseconds, sizes in bytes. */
export const batchConfigSchema = v.strictObject({
  rows_max: v.optional(wholeNumber(1, 1_000_000, 'Rows after which a batch is written.'), 50_000),
  bytes_max: v.optional(
    byteSize('Size after which a batch is written; also what one partition holds in memory at most.'),
    '8MiB',
  ),
  delay_max: v.optional(
    duration(
      'How long a row may wait for its batch to fill, at most: less, down to a quarter of it, while the store takes batches quickly.',
    ),
    '3s',
  ),
  writes_max: v.optional(wholeNumber(1, 64, 'Batches that one process writes to the store at a time.'), 2),
});
export type BatchConfig = v.InferOutput<typeof batchConfigSchema>;

/** The section `sinks_process:` of the config. */
export const sinksProcessConfigSchema = v.strictObject({
  admin: adminConfigSchema(),
});
export type SinksProcessConfig = v.InferOutput<typeof sinksProcessConfigSchema>;

/** Shorter ones are slips of the pen that would drop everything. */
const RETENTION_MS_MIN = 3_600_000;

/** How long a store keeps something, in milliseconds. */
export function retentionOf(description: string) {
  return v.pipe(duration(description), v.minValue(RETENTION_MS_MIN, 'must be at least 1h'));
}
