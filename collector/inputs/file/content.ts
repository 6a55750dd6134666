import type { FileHandle } from 'node:fs/promises';
import type { FoundFile } from './discovery.ts';
import { readAt } from './reading.ts';

/** What can be told of a file before it is read. */
export type Looks = Pick<FoundFile, 'bytes' | 'changed'>;

/** What an open file holds, from its first byte on: as it is on the disk (plainContent), or unpacked (archive.ts). */
export interface Content {
  look(): Promise<Looks>;
  /** As `readAt`: fewer bytes than were asked for only at its end. */
  read(buffer: Buffer, offset: number, bytes: number): Promise<Buffer>;
  /** How many bytes it has, as far as that is known: at least so many that more than was read means that there is more. */
  length(looks: Looks): number;
  /** Whether it was cut off before this offset since it was read up to there. */
  isCutBefore(offset: number): Promise<boolean>;
  /** Whether it is unpacked: how much it holds shows by reading it only, and by one reader at a time. */
  readonly isPacked: boolean;
  /** Why not all of it can be read, in words; it ends where that shows. */
  readonly problem: string | undefined;
  close(): Promise<void>;
}

export async function looksOf(handle: FileHandle): Promise<Looks> {
  const { size, mtimeNs } = await handle.stat({ bigint: true });
  return { bytes: Number(size), changed: mtimeNs };
}

export function plainContent(handle: FileHandle): Content {
  return {
    look: () => looksOf(handle),
    read: (buffer, offset, bytes) => readAt(handle, buffer, offset, bytes),
    length: ({ bytes }) => bytes,
    isCutBefore: async (offset) => (await looksOf(handle)).bytes < offset,
    isPacked: false,
    problem: undefined,
    close: () => handle.close(),
  };
}
