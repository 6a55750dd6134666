import * as v from 'valibot';
import { adminConfigSchema, byteSize, duration, wholeNumber } from '../common/config-values.ts';

/** The section `processor:` of the config. Durations are in milliseconds, sizes in bytes. */
export const processorConfigSchema = v.strictObject({
  admin: adminConfigSchema(),
  finished_retention: v.optional(
    duration(
      'How long a completed transaction stays in Redis after its last change; the stores keep it longer. A log that comes later is stored, but changes its summary no more.',
    ),
    '6h',
  ),
  open_retention: v.optional(
    duration(
      'How long a transaction that is in progress, failed or timed out stays in Redis after its last change: so late may a retry or a missing step come and still be woven in.',
    ),
    '30d',
  ),
  cached_transactions_max: v.optional(
    wholeNumber(
      0,
      10_000_000,
      'Transactions on their way whose state a processor keeps in memory, per partition; the others are read from Redis.',
    ),
    2_500,
  ),
  read_bytes_max: v.optional(
    byteSize(
      'Bytes of logs that one partition merges at a time; twice as much is in memory, since the next are read ahead.',
    ),
    '512KiB',
  ),
  merge_delay: v.optional(
    duration(
      'How long logs are gathered before they are merged, at most: a transaction whose logs come together is then published once. While there is little to do they are merged sooner.',
    ),
    '200ms',
  ),
  summary_entries_max: v.optional(
    wholeNumber(
      10,
      100_000_000,
      'Entries that a summary stream may hold before its processor waits for the sinks.',
    ),
    20_000,
  ),
  trim_interval: v.optional(
    duration('How often entries that every group has are dropped from the streams.'),
    '1s',
  ),
});
export type ProcessorConfig = v.InferOutput<typeof processorConfigSchema>;
