import * as v from 'valibot';
import { byteSize, duration } from '../../common/config-values.ts';
import { sinkEntries } from '../sink.ts';

/** Shorter ones are slips of the pen that would drop everything. */
const KEEP_MS_MIN = 3_600_000;

export const ndjsonConfigSchema = v.strictObject({
  type: v.literal('ndjson'),
  ...sinkEntries,
  dir: v.pipe(
    v.string('must be a path'),
    v.nonEmpty('must not be empty'),
    v.description(
      'Folder of the files; it must be there. All sinks processes must see the same one: a local folder for processes of one machine, a mount for those of several. No other sink and no other deployment may use it.',
    ),
  ),
  roll_bytes: v.optional(
    v.pipe(
      byteSize(
        'Size on the disk after which a file is handed over and a new one begun; it may be larger by one batch. At each full hour (UTC) files are handed over whatever their size.',
      ),
      v.minValue(1024, 'must be at least 1KiB'),
    ),
    '128MiB',
  ),
  gzip: v.optional(
    v.pipe(
      v.boolean('must be true or false'),
      v.description('Whether files are compressed: `*.ndjson.gz`, each batch a gzip member of its own.'),
    ),
    true,
  ),
  keep: v.exactOptional(
    v.pipe(
      duration(
        'How long files stay after they were last written to. Without it they stay until somebody takes them. At least 1h.',
      ),
      v.minValue(KEEP_MS_MIN, 'must be at least 1h'),
    ),
  ),
});
export type NdjsonSinkConfig = v.InferOutput<typeof ndjsonConfigSchema>;
