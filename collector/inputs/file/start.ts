import type { Framing } from '../../framing/framer.ts';
import type { Content } from './content.ts';
import { ownCopy } from './reading.ts';

/** Where in a content reading begins. */

const CHUNK_BYTES = 64 * 1024;
/** So many bytes of nothing are no beginning of a record. */
const NULS_MIN = 8;

interface Reader {
  framing: Framing;
  lineBytesMax: number;
}

/** The first record of a content that begins before `end`: undefined if there is none, null if it is too long or no whole one. */
export async function readFirstRecord(
  content: Content,
  start: number,
  end: number,
  { framing, lineBytesMax }: Reader,
): Promise<Buffer | null | undefined> {
  const framer = framing.open(start);
  const buffer = Buffer.alloc(CHUNK_BYTES);
  const firsts: (Buffer | null)[] = [];
  for (let offset = start; firsts.length === 0 && framer.end < end; offset += CHUNK_BYTES) {
    const chunk = await content.read(buffer, offset, CHUNK_BYTES);
    framer.push(chunk, (frame) => {
      if (firsts.length > 0 || frame.start >= end) return;
      const isWhole = frame.problem === undefined && frame.length <= lineBytesMax;
      firsts.push(isWhole ? ownCopy(frame.bytes) : null);
    });
    if (chunk.length < CHUNK_BYTES) break;
  }
  return firsts[0];
}

/**
 * Where the content begins. A program that goes on at its old place in a file that was truncated leaves a hole before it, which reads as
 * NULs: 0 unless there is one. @param head how the content begins.
 */
export async function skipHole(content: Content, head: Buffer, { framing }: Reader): Promise<number> {
  const hasHole = head.length >= NULS_MIN && head.subarray(0, NULS_MIN).every((byte) => byte === 0);
  // Lengths may begin with NULs.
  if (!hasHole || !framing.findsNext) return 0;
  const buffer = Buffer.alloc(CHUNK_BYTES);
  for (let offset = 0; ; offset += CHUNK_BYTES) {
    const chunk = await content.read(buffer, offset, CHUNK_BYTES);
    const at = chunk.findIndex((byte) => byte !== 0);
    // Characters of two bytes may begin with a NUL, and begin at even places.
    if (at >= 0) return framing.findsAnywhere === true ? offset + at : (offset + at) & ~1;
    if (chunk.length < CHUNK_BYTES) return offset + chunk.length;
  }
}

/** Where the last record that is whole before `end` ends. */
export async function lastRecordEnd(
  content: Content,
  end: number,
  { framing, lineBytesMax }: Reader,
): Promise<number> {
  const from = framing.findsAnywhere === true ? Math.max(0, end - lineBytesMax - 2) : 0;
  const framer = framing.open(from);
  const buffer = Buffer.alloc(CHUNK_BYTES);
  for (let offset = from; offset < end; offset += CHUNK_BYTES) {
    const chunk = await content.read(buffer, offset, Math.min(CHUNK_BYTES, end - offset));
    if (chunk.length === 0) break;
    framer.push(chunk, () => {});
  }
  return framer.end;
}
