import type { Content } from './content.ts';
import { HEAD_BYTES_MAX } from './identity.ts';
import { MARKER_BYTES_MAX } from './reading.ts';
import type { Source, SourceFile } from './source.ts';

/** The content of a file that is compared with that of another one. */
export interface Compared {
  /** The bytes before an offset, so many of them; fewer if it ends before that. */
  readonly before: (at: number, bytes: number) => Promise<Buffer>;
  /** What stands behind its first kilobyte, as much as there is of the second one; read once. */
  readonly second: () => Promise<Buffer>;
  /** How much it holds; exact once bytes were asked for that it has not. */
  readonly length: () => number;
}

/** How a file that begins as another one is related to it. */
export type Likeness =
  /** All that it holds stands in the other one as well. */
  | 'part'
  /** It is no copy of the other one. */
  | 'apart'
  /** Not to be known now: ask again later. */
  | 'unclear';

type Compare = Pick<Source, 'readTo' | 'file' | 'second'>;

/**
 * Compares a file with the one that a source is read from. Logs only grow: a copy, whether whole or half written, has what the log has
 * there, and never more than the log, unless that was truncated since, which shows in the log.
 */
export async function likenessOf(candidate: Compared, source: Compare): Promise<Likeness> {
  const { file, readTo, second } = source;
  if (file === undefined || readTo === undefined) return 'unclear';
  // Thousands of logs may have the same header. Most are told apart here, without a look into each other one.
  if (second !== undefined && !isSame(await candidate.second(), second)) return 'apart';
  const likeness = await file.peek(async (content) => {
    const there = await secondOf(content);
    const isAlike = isSame(await candidate.second(), there);
    const found = isAlike ? await compare(candidate, content, file, readTo.at) : 'apart';
    // Last, so that nothing is believed of a file that was written anew meanwhile.
    const { at, bytes } = readTo;
    if (!(await beforeIn(content, at, bytes.length)).equals(bytes)) return 'unclear';
    // Not before it was read: what is written anew up to there, with the same header, would go unnoticed.
    if (at >= HEAD_BYTES_MAX + there.length) source.second = there;
    return found;
  });
  return likeness ?? 'unclear';
}

/** @param readEnd how far the other file was read. */
async function compare(
  candidate: Compared,
  content: Content,
  file: SourceFile,
  readEnd: number,
): Promise<Likeness> {
  const end = await endOf(content, readEnd);
  const before = Math.min(end, MARKER_BYTES_MAX);
  const around = await candidate.before(end + 1, before + 1);
  const goesOn = around.length > before;
  const shared = goesOn ? end : Math.min(end, candidate.length());
  const bytes = Math.min(shared, MARKER_BYTES_MAX);
  const its = goesOn ? around.subarray(0, before) : await candidate.before(shared, bytes);
  if (!isSame(its, await beforeIn(content, shared, bytes))) return 'apart';
  if (!goesOn) return 'part';
  // It goes on behind the other's end. A copy does not, unless the other one has grown meanwhile; but that may itself be a copy of this
  // one which is still being made, so it is given time.
  const isAll = end === readEnd && file.isAtRest && (await endOf(content, readEnd)) === end;
  return isAll ? 'apart' : 'unclear';
}

/** How much the other file holds; of an archive that shows by reading it only. */
async function endOf(content: Content, readEnd: number): Promise<number> {
  return content.isPacked ? readEnd : (await content.look()).bytes;
}

/** Whether two pieces from the same place agree as far as both go. */
function isSame(one: Buffer, other: Buffer): boolean {
  const bytes = Math.min(one.length, other.length);
  return one.subarray(0, bytes).equals(other.subarray(0, bytes));
}

export function beforeIn(content: Content, at: number, bytes: number): Promise<Buffer> {
  return content.read(Buffer.alloc(bytes), at - bytes, bytes);
}

export function secondOf(content: Content): Promise<Buffer> {
  return beforeIn(content, 2 * HEAD_BYTES_MAX, HEAD_BYTES_MAX);
}
