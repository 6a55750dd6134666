import type { FileHandle } from 'node:fs/promises';
import { HEAD_BYTES_MAX } from './identity.ts';

export { ownCopy } from '../../own-copy.ts';

/** How much of what was read last is compared before reading on, to notice that the file was written anew. */
export const MARKER_BYTES_MAX = 1024;

/** What a turn's buffer has room for besides its chunk: what stands before that, and how the file begins. */
export const AROUND_BYTES = MARKER_BYTES_MAX + HEAD_BYTES_MAX;

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
