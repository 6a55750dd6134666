import type { FileHandle } from 'node:fs/promises';
import { createFramer } from '../../framing.ts';

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

/** The first record of a file whose line begins before `end`: undefined if there is none, null if it is too long. */
export async function readFirstRecord(
  handle: FileHandle,
  end: number,
  lineBytesMax: number,
): Promise<Buffer | null | undefined> {
  const framer = createFramer(0, lineBytesMax);
  const buffer = Buffer.alloc(CHUNK_BYTES);
  const firsts: (Buffer | null)[] = [];
  for (let offset = 0; firsts.length === 0 && framer.end < end; offset += CHUNK_BYTES) {
    const chunk = await readAt(handle, buffer, offset, CHUNK_BYTES);
    framer.push(chunk, (frame) => {
      if (firsts.length > 0 || frame.start >= end) return;
      firsts.push(frame.length > lineBytesMax ? null : Buffer.from(frame.bytes));
    });
    if (chunk.length < CHUNK_BYTES) break;
  }
  return firsts[0];
}
