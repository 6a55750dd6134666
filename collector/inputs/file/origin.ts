import { HEAD_BYTES_MAX, sha256 } from './identity.ts';
import type { SourceRecord } from './identity.ts';
import type { FoundFile } from './discovery.ts';

/** A file that may be a source: one that is known, a copy of one, or a new one. */
export interface Candidate extends Pick<FoundFile, 'path' | 'dev' | 'ino'> {
  /** How its content begins. */
  head: Buffer;
  isArchive: boolean;
  /** Whether it has not grown for a while. */
  isSettled: boolean;
  /** The bytes before an offset, so many of them; fewer if it ends before that. */
  readonly before: (at: number, bytes: number) => Promise<Buffer>;
  /** Where reading begins if it is no known source. */
  readonly start: () => Promise<number>;
}

/** Some bytes that are known to stand before an offset. */
export interface Tail {
  at: number;
  bytes: number;
  sha256: string;
}

export function tailOf(at: number, bytes: Buffer): Tail | undefined {
  return bytes.length === 0 ? undefined : { at, bytes: bytes.length, sha256: sha256(bytes) };
}

/** Whether the candidate has these bytes there. */
export async function bears(candidate: Candidate, tail: Tail): Promise<'yes' | 'no' | 'too short'> {
  const found = await candidate.before(tail.at, tail.bytes);
  if (found.length < tail.bytes) return 'too short';
  return sha256(found) === tail.sha256 ? 'yes' : 'no';
}

/** What is known of a source that a copy may have been made of. */
export interface Known {
  id: string;
  record: SourceRecord;
  /** How far it was read, if that is known. */
  tail(): Tail | undefined;
  /** Whether a file is it now, or may turn out to be. */
  isTaken: boolean;
}

/** What a file is that a copy was made of another's content. */
export type Origin =
  /** It goes on where the source was left. */
  | { kind: 'goes on'; id: string }
  /** The source is followed as another file: whatever the copy holds is read there. */
  | { kind: 'copy'; id: string };

/**
 * The source whose content a file holds under another inode: rotation packs logs into archives, or copies them and truncates the file
 * itself. The beginning must be the same, and what stood before the place up to which the source was read. Files that begin alike by
 * chance differ there.
 */
export async function findOrigin(
  candidate: Candidate,
  sources: Iterable<Known>,
): Promise<Origin | undefined> {
  const { head, isArchive } = candidate;
  const hashes = new Map<number, string>();
  const hashOf = (bytes: number) => {
    const known = hashes.get(bytes) ?? sha256(head.subarray(0, bytes));
    hashes.set(bytes, known);
    return known;
  };
  let free: string | undefined;
  for (const { id, record, isTaken, ...known } of sources) {
    if (record.head_bytes > head.length || hashOf(record.head_bytes) !== record.head_sha256) continue;
    const tail = known.tail();
    // A log is not told from another one by a few bytes; one that was packed is not likely to be another's.
    if (!isArchive && (record.head_bytes < HEAD_BYTES_MAX || tail === undefined)) continue;
    const verdict = tail === undefined ? 'unknown' : await bears(candidate, tail);
    if (verdict === 'no') continue;
    if (verdict === 'too short' && candidate.isSettled) continue;
    if (isTaken || verdict === 'too short') return { kind: 'copy', id };
    if (isArchive || record.ended === true) {
      if (verdict === 'yes') return { kind: 'goes on', id };
      free ??= id;
    }
  }
  return free === undefined ? undefined : { kind: 'goes on', id: free };
}
