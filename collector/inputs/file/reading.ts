import type { FileHandle } from 'node:fs/promises';
import type { Framing } from '../../framing/framer.ts';

/** How much of what was read last is compared before reading on, to notice that the file was written anew. */
export const MARKER_BYTES_MAX = 1024;

/** Reads `bytes` bytes, or as many as there are, from an offset into the beginning of the buffer; returns the part that was filled. */
export async function readAt(
  handle: FileHandle,
  buffer: Buffer,
  offset: number,
  bytes: number,
): Promise<Buffer> {
  let filled = 0;
  while (filled < bytes) {
    const { bytesRead } = await handle.read(buffer, filled, bytes - filled, offset + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return buffer.subarray(0, filled);
}

/** Whether what was opened is the file of that key (discovery.ts). It is closed when that cannot be told. */
export async function isFile(handle: FileHandle, key: string): Promise<boolean> {
  try {
    const { dev, ino } = await handle.stat({ bigint: true });
    return `${dev}:${ino}` === key;
  } catch (error) {
    await handle.close();
    throw error;
  }
}

const CHUNK_BYTES = 64 * 1024;

/** The first record of a file that begins before `end`: undefined if there is none, null if it is too long or no whole one. */
export async function readFirstRecord(
  handle: FileHandle,
  end: number,
  { framing, lineBytesMax }: { framing: Framing; lineBytesMax: number },
): Promise<Buffer | null | undefined> {
  const framer = framing.open(0);
  const buffer = Buffer.alloc(CHUNK_BYTES);
  const firsts: (Buffer | null)[] = [];
  for (let offset = 0; firsts.length === 0 && framer.end < end; offset += CHUNK_BYTES) {
    const chunk = await readAt(handle, buffer, offset, CHUNK_BYTES);
    framer.push(chunk, (frame) => {
      if (firsts.length > 0 || frame.start >= end) return;
      const isWhole = frame.problem === undefined && frame.length <= lineBytesMax;
      firsts.push(isWhole ? Buffer.from(frame.bytes) : null);
    });
    if (chunk.length < CHUNK_BYTES) break;
  }
  return firsts[0];
}
