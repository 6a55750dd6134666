import * as v from 'valibot';
import { adminConfigSchema, byteSize, wholeNumber } from '../common/config-values.ts';

/** The section `collector:` of the config: what all its inputs share. Sizes in bytes. */
export const collectorConfigSchema = v.strictObject({
  node: v.exactOptional(
    v.pipe(
      v.string('must be a text'),
      v.nonEmpty('must not be empty'),
      v.maxBytes(128, 'is longer than 128 bytes'),
      v.description(
        "Name of this machine, by which its files are told from another machine's. Must stay the same over restarts; the host name if not given, which containers change.",
      ),
    ),
  ),
  admin: adminConfigSchema(),
  stream_entries_max: v.optional(
    wholeNumber(
      10,
      100_000_000,
      'Entries (of up to 256 logs) that a log stream may hold before inputs wait and HTTP answers 503.',
    ),
    20_000,
  ),
  redis_memory_percent_max: v.optional(
    wholeNumber(
      1,
      100,
      "How full Redis may be, in percent of its `maxmemory` (without one: of its machine's memory), before inputs wait and HTTP answers 503. The rest is for transactions and summaries.",
    ),
    80,
  ),
  pending_bytes_max: v.optional(
    byteSize(
      'Bytes that may wait for Redis in one collector before HTTP answers 503; one file waits by itself.',
    ),
    '32MiB',
  ),
});
export type CollectorConfig = v.InferOutput<typeof collectorConfigSchema>;
