import { createHash } from 'node:crypto';
import * as v from 'valibot';
import type { FoundFile } from './discovery.ts';

/**
 * What makes a file the same file. Its name does not, since rotation changes it. Its inode does not alone, since the
 * system gives it to another file when it is free. So: the machine, the inode, and how its content begins; a log file only
 * grows, so what it began with stays. The device number may change with a reboot and only decides between equals.
 *
 * A source is one content of a file from its first byte on: a file that was truncated and written anew is a new source.
 */

/** How much of a file's beginning identifies it. A shorter file has less to show, until it has grown. */
export const HEAD_BYTES_MAX = 1024;

/** What is remembered of a source, in Redis as JSON. */
export const sourceRecordSchema = v.object({
  node: v.string(),
  /** Where it was last seen. */
  path: v.string(),
  dev: v.string(),
  ino: v.string(),
  /** So many bytes from its beginning have this hash. */
  head_bytes: v.number(),
  head_sha256: v.string(),
  first_seen: v.string(),
  /** Since when no file has it. */
  gone_at: v.exactOptional(v.string()),
  /** Its content was truncated or its inode is another file's: no file will be this source again. */
  ended: v.exactOptional(v.boolean()),
  /** A line that never got its newline was taken as a record up to here. */
  cut: v.exactOptional(v.number()),
  /** What stood before this offset was left alone: reading began here. */
  start: v.exactOptional(v.number()),
  /** So many bytes before an offset up to which it was read have this hash. */
  tail: v.exactOptional(v.object({ at: v.number(), bytes: v.number(), sha256: v.string() })),
});
export type SourceRecord = v.InferOutput<typeof sourceRecordSchema>;

/** The record that a text of Redis holds, if it is one. */
export function parseSourceRecord(text: string): SourceRecord | undefined {
  try {
    const result = v.safeParse(sourceRecordSchema, JSON.parse(text));
    return result.success ? result.output : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** First part of the ids of an input's sources on a machine. Two inputs may read one file; positions know sources by id alone. */
export function sourcePrefix(input: string, node: string): string {
  return `${input}/${node}/`;
}

/**
 * The id of a new source. Made of what every process sees alike, so that two of them that find the same file at the same
 * time (a new collector starts before the old one has ended) agree: the first line, not how much there is of the file. The day
 * keeps the id of a forgotten source, and with it its event ids, from coming again.
 *
 * @param generation 0, or more when the id was taken by an earlier content of the same inode with the same first line.
 */
export function sourceId(
  prefix: string,
  { ino, first_seen }: Pick<SourceRecord, 'ino' | 'first_seen'>,
  head: Buffer,
  generation: number,
): string {
  const day = first_seen.slice(0, 10).replaceAll('-', '');
  const id = `${prefix}${day}-${ino}-${sha256(firstLine(head)).slice(0, 12)}`;
  return generation === 0 ? id : `${id}-${generation}`;
}

function firstLine(head: Buffer): Buffer {
  const newline = head.indexOf('\n');
  return newline < 0 ? head : head.subarray(0, newline);
}

/** Whether the beginning of a file shows all of it that goes into an id. */
export function isTelling(head: Buffer): boolean {
  return head.length === HEAD_BYTES_MAX || head.includes('\n');
}

export function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** Whether a file that begins with `head` may be the source: it begins as the source did. */
export function beginsAs(record: SourceRecord, head: Buffer): boolean {
  return (
    head.length >= record.head_bytes && sha256(head.subarray(0, record.head_bytes)) === record.head_sha256
  );
}

/**
 * The source that a file is, among those that no other file is.
 *
 * @param present keys of the files that the last scan found.
 */
export function matchSource(
  file: Pick<FoundFile, 'dev' | 'ino'>,
  head: Buffer,
  sources: Iterable<readonly [string, SourceRecord]>,
  present: ReadonlySet<string>,
): string | undefined {
  let elsewhere: string | undefined;
  for (const [id, record] of sources) {
    if (record.ended === true || record.ino !== file.ino || !beginsAs(record, head)) continue;
    if (record.dev === file.dev) return id;
    // Two devices may have a file of that number each; only if the other has none now was it this one.
    if (!present.has(`${record.dev}:${record.ino}`)) elsewhere ??= id;
  }
  return elsewhere;
}
