import * as v from 'valibot';
import { byteSize, duration, wholeNumber } from '../../common/config-values.ts';
import { decoderSchema } from '../decoders/registry.ts';
import { canonicalTimestamp, microsOf } from '../../common/timestamp.ts';
import { FileInput } from './file/run.ts';
import { inputEntries } from './input.ts';
import { framingFits, recordEntries } from './record-config.ts';
import type { InputComponent } from './input.ts';

const globs = v.array(
  v.pipe(v.string('must be a text'), v.nonEmpty('must not be empty')),
  'must be a list of paths, with * and ** as wildcards',
);
/** setTimeout cannot wait longer than 24 days; nobody should wait for a scan longer than this. */
const SCAN_INTERVAL_MS_MAX = 3_600_000;
const BATCH_BYTES_MAX = 64 * 1024 * 1024;

/** `head`, `tail`, or the milliseconds of a time. */
const start = v.pipe(
  v.string('must be head, tail or a time'),
  v.description(
    'Which files that were never seen before are read from their first record: all (`head`); those that came or were written anew after this input was first started on this machine (`tail`: only what is written from then on is collected); or those that were written to since a time with its offset, like `2026-01-31T00:00:00+09:00`. Of the others, what is written to them later is read.',
  ),
  v.rawTransform(({ dataset: { value }, addIssue, NEVER }) => {
    if (value === 'head' || value === 'tail') return value;
    const time = canonicalTimestamp(value);
    if (time !== undefined) return Math.floor(microsOf(time) / 1000);
    addIssue({ message: 'must be head, tail or a time with its offset, like 2026-01-31T00:00:00+09:00' });
    return NEVER;
  }),
);

const entries = v.strictObject({
  type: v.literal('file'),
  ...inputEntries,
  ...recordEntries,
  decoder: v.optional(decoderSchema, { type: 'json' }),
  paths: v.pipe(
    globs,
    v.minLength(1, 'must name at least one path'),
    v.description(
      'Files to follow, as paths with wildcards: `/var/log/eai/*.log`, `/logs/**/{send,hub}-?.log`. Names that begin with a dot are matched only if the pattern has the dot. Names that end in `.gz` are archives: they are unpacked and read once, from where the file was left that was packed.',
    ),
  ),
  exclude: v.optional(
    v.pipe(
      globs,
      v.description('Files to leave alone although `paths` matches them; written as `paths` are.'),
    ),
    [],
  ),
  start: v.optional(start, 'head'),
  ignore_older: v.exactOptional(
    duration(
      'Files that were not written to for so long when they are first seen are not read; of what is written to them later, the new records are.',
    ),
  ),
  scan_interval: v.optional(
    v.pipe(
      duration(
        'How often files are looked for, and looked at for growth, where the system does not tell of it (network mounts, links, wildcards in the names of folders). Elsewhere they are looked at every 20 intervals, should it have missed something. Up to 1h.',
      ),
      v.minValue(1, 'must be more than 0'),
      v.maxValue(SCAN_INTERVAL_MS_MAX, 'must be at most 1h'),
    ),
    '1s',
  ),
  watch: v.optional(
    v.pipe(
      v.boolean('must be true or false'),
      v.description(
        'Whether the system is asked to tell of changes, so that they are read before the next scan.',
      ),
    ),
    true,
  ),
  last_line_after: v.optional(
    duration(
      'A last line without its newline (or whatever ends a record) is taken as a record when the collector has seen the file not grow for so long; until then it waits for its newline. If its writer goes on with the line afterwards, the rest becomes a record of its own: set it longer than a writer ever pauses within a line.',
    ),
    '5s',
  ),
  line_bytes_max: v.optional(
    v.pipe(
      byteSize(
        'Longest record. A longer one becomes one dead letter, which holds the first so many bytes and says how many there were.',
      ),
      v.minValue(1, 'must be more than 0'),
      v.maxValue(BATCH_BYTES_MAX, 'must be at most 64MiB'),
    ),
    '1MiB',
  ),
  batch_bytes_max: v.exactOptional(
    v.pipe(
      byteSize(
        'Bytes that are read from a file at a time and appended together. Up to 4 such batches of an input are in memory. If not given, 16KiB for each partition, but at least 128KiB and at most 1MiB: a batch is spread over all partitions, and each part costs some work whatever it holds.',
      ),
      v.minValue(1, 'must be more than 0'),
      v.maxValue(BATCH_BYTES_MAX, 'must be at most 64MiB'),
    ),
  ),
  files_open_max: v.optional(
    wholeNumber(
      1,
      100_000,
      'Files that are open at the same time. More files than that are read in turns; a file that is rotated away while it is closed is read on only if `paths` matches its new name.',
    ),
    256,
  ),
  close_after: v.optional(
    duration(
      'How long a file that no path leads to any more (renamed, deleted) is read on after it last grew, for writers that still hold it.',
    ),
    '30s',
  ),
  forget_after: v.optional(
    duration(
      'How long after a file has gone it is forgotten, to keep Redis small. If it comes back later than that, also as an archive, it is collected again.',
    ),
    '7d',
  ),
});
export type FileInputConfig = v.InferOutput<typeof entries>;
const config = v.pipe(entries, framingFits());

/**
 * Logs from files that grow. Every line arrives once in effect, whatever dies: how far each file was read is in
 * Redis, moved by the same script that appends. A file is known by its inode and its first bytes, so it may be renamed.
 */
export const fileInput = {
  type: 'file',
  summary:
    'Follows files record by record, through rotation by renaming and through restarts. Each record arrives once; what is on the disk waits there while Redis is away or full. A record is a line unless `framing` says otherwise. The collector needs nothing but the right to read the files.',
  example: '- { type: file, name: eai, paths: [/var/log/eai/*.log] }',
  config,
  create: (config, deps) => new FileInput(config, deps),
} satisfies InputComponent<FileInputConfig>;
