import { HEAD_BYTES_MAX, sha256 } from './identity.ts';
import type { SourceRecord } from './identity.ts';
import type { FoundFile } from './discovery.ts';
import { likenessOf } from './likeness.ts';
import type { Compared } from './likeness.ts';
import type { Source } from './source.ts';

/** A file that may be a source: one that is known, a copy of one, or a new one. */
export interface Candidate extends Compared, Pick<FoundFile, 'path' | 'dev' | 'ino'> {
  /** How its content begins. */
  head: Buffer;
  isArchive: boolean;
  /** Whether it has not grown for a while. */
  isSettled: boolean;
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
  /** Whether a file is it now; then `source` is how it is read, once that has been found out. */
  isBound: boolean;
  source: Source | undefined;
}

/** What a file is that a copy was made of another's content. */
export type Origin =
  /** It goes on where the source was left. */
  | { kind: 'goes on'; id: string }
  /** The source is followed as another file: whatever the copy holds is read there. Or it may be so, and that cannot be told yet. */
  | { kind: 'copy'; id: string; isSure: boolean };

/**
 * The source whose content a file holds under another inode: rotation packs logs into archives, or copies them and truncates the file
 * itself. The beginning must be the same, and what stood before the place up to which the source was read. Files that begin alike by
 * chance differ there. Where the source is read from another file, the two are compared.
 */
export async function findOrigin(
  candidate: Candidate,
  sources: Iterable<Known>,
): Promise<Origin | undefined> {
  const { isArchive, isSettled } = candidate;
  let holder: string | undefined;
  let free: { id: string; at: number } | undefined;
  for (const { id, record, tail, isTaken, source } of beginningAlike(candidate, sources)) {
    const likeness = source === undefined ? 'unclear' : await likenessOf(candidate, source);
    if (likeness === 'apart') continue;
    if (likeness === 'part') return { kind: 'copy', id, isSure: true };
    const verdict = tail === undefined ? 'unknown' : await bears(candidate, tail);
    if (verdict === 'no') continue;
    if (verdict === 'too short' && isSettled) continue;
    if (isTaken || verdict === 'too short') holder ??= id;
    else if (isArchive || record.ended === true) {
      const at = tail?.at ?? 0;
      // It may begin with all of a short one as well, a file of a header alone: what was read of the longest is not read again.
      if (free === undefined || at > free.at) free = { id, at };
    }
  }
  if (holder !== undefined) return { kind: 'copy', id: holder, isSure: false };
  return free === undefined ? undefined : { kind: 'goes on', id: free.id };
}

function* beginningAlike({ head, isArchive }: Candidate, sources: Iterable<Known>) {
  const hashes = new Map<number, string>();
  const hashOf = (bytes: number) => {
    const known = hashes.get(bytes) ?? sha256(head.subarray(0, bytes));
    hashes.set(bytes, known);
    return known;
  };
  for (const known of sources) {
    const { head_bytes, head_sha256 } = known.record;
    if (head_bytes > head.length || hashOf(head_bytes) !== head_sha256) continue;
    const tail = known.tail();
    // A log is not told from another one by a few bytes; one that was packed is not likely to be another's.
    if (!isArchive && head_bytes < HEAD_BYTES_MAX) continue;
    // Nor by its beginning alone, unless it is to be compared once the other one is read.
    if (!isArchive && tail === undefined && !known.isBound) continue;
    yield { ...known, tail };
  }
}
