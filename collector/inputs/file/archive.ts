import type { FileHandle } from 'node:fs/promises';
import { pipeline, Readable } from 'node:stream';
import { constants, createGunzip } from 'node:zlib';
import { looksOf } from './content.ts';
import type { Content, Looks } from './content.ts';
import { HEAD_BYTES_MAX } from './identity.ts';
import { MARKER_BYTES_MAX, readAt } from './reading.ts';

/** Packed logs, told by their name: rotation makes `a.log.1.gz` of them. */
export const isArchive = (path: string): boolean => path.endsWith('.gz');

const CHUNK_BYTES = 64 * 1024;

/**
 * A gzip file of any number of members, unpacked: offsets are those of what was packed. It can only be unpacked from its first byte on,
 * so going on after it was closed costs the way to there, and nothing else. Holds a chunk, its first bytes, and the bytes before where it
 * stands, which is what a reader looks back for.
 *
 * One that is not complete yet ends where it ends; when it has grown it is unpacked anew.
 */
export class ArchiveContent implements Content {
  readonly isPacked = true;
  problem: string | undefined;
  readonly #handle: FileHandle;
  #looks: Looks | undefined;
  #unpacking: AsyncIterator<Buffer, void> | undefined;
  #head: Buffer = Buffer.alloc(0);
  /** Offset of `#rest`; before it stands `#before`. */
  #at = 0;
  #before: Buffer = Buffer.alloc(0);
  #rest: Buffer = Buffer.alloc(0);
  #isAtEnd = false;
  #packedBytes = 0;

  constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  async look(): Promise<Looks> {
    const looks = await looksOf(this.#handle);
    const isSame = this.#looks?.bytes === looks.bytes && this.#looks.changed === looks.changed;
    if (!isSame) await this.#rewind();
    this.#looks = looks;
    return looks;
  }

  async read(buffer: Buffer, offset: number, bytes: number): Promise<Buffer> {
    const isInHead = offset + bytes <= this.#head.length;
    if (isInHead) return copyTo(buffer, this.#head.subarray(offset, offset + bytes));
    if (offset < this.#at - this.#before.length) await this.#rewind();
    let filled = 0;
    if (offset < this.#at) {
      const from = this.#before.length - (this.#at - offset);
      filled = this.#before.copy(buffer, 0, from, from + bytes);
    }
    while (filled < bytes && (await this.#fill())) {
      const skipped = Math.max(0, offset + filled - this.#at);
      if (skipped >= this.#rest.length) this.#pass(this.#rest.length);
      else {
        const taken = this.#rest.copy(buffer, filled, skipped, skipped + bytes - filled);
        filled += taken;
        this.#pass(skipped + taken);
      }
    }
    return buffer.subarray(0, filled);
  }

  length({ bytes }: Looks): number {
    const known = this.#at + this.#rest.length;
    return this.#isAtEnd ? known : known + Math.max(1, bytes - this.#packedBytes);
  }

  /** What was read up to an offset was unpacked up to there. */
  async isCutBefore(): Promise<boolean> {
    return false;
  }

  async close(): Promise<void> {
    await this.#rewind();
    await this.#handle.close();
  }

  /** Makes sure that something is left to give out, unless nothing is. */
  async #fill(): Promise<boolean> {
    while (this.#rest.length === 0 && !this.#isAtEnd) {
      this.#unpacking ??= this.#unpack();
      try {
        const next = await this.#unpacking.next();
        if (next.done === true) this.#isAtEnd = true;
        else this.#rest = next.value;
      } catch (error) {
        if (!isUnpackingError(error)) throw error;
        this.#isAtEnd = true;
        this.problem = error.message;
      }
    }
    return this.#rest.length > 0;
  }

  #pass(bytes: number): void {
    const passed = this.#rest.subarray(0, bytes);
    if (this.#at === this.#head.length && this.#head.length < HEAD_BYTES_MAX) {
      this.#head = Buffer.concat([this.#head, passed.subarray(0, HEAD_BYTES_MAX - this.#head.length)]);
    }
    const before = passed.subarray(-MARKER_BYTES_MAX);
    const kept = this.#before.subarray(Math.max(0, this.#before.length + before.length - MARKER_BYTES_MAX));
    this.#before = Buffer.concat([kept, before]);
    this.#rest = this.#rest.subarray(bytes);
    this.#at += bytes;
  }

  async #rewind(): Promise<void> {
    const unpacking = this.#unpacking;
    this.#unpacking = undefined;
    this.#head = Buffer.alloc(0);
    this.#before = Buffer.alloc(0);
    this.#rest = Buffer.alloc(0);
    this.#at = 0;
    this.#packedBytes = 0;
    this.#isAtEnd = false;
    this.problem = undefined;
    await unpacking?.return?.();
  }

  async *#unpack(): AsyncGenerator<Buffer, void> {
    // An archive that is still being written is not an error.
    const gunzip = createGunzip({ finishFlush: constants.Z_SYNC_FLUSH, chunkSize: CHUNK_BYTES });
    pipeline(Readable.from(this.#packed(), { highWaterMark: 1 }), gunzip, () => {
      // What went wrong comes out of the iteration.
    });
    for await (const chunk of gunzip) yield chunk as Buffer;
  }

  async *#packed(): AsyncGenerator<Buffer> {
    for (let offset = 0; ; offset += CHUNK_BYTES) {
      const chunk = await readAt(this.#handle, Buffer.allocUnsafe(CHUNK_BYTES), offset, CHUNK_BYTES);
      this.#packedBytes = offset + chunk.length;
      if (chunk.length > 0) yield chunk;
      if (chunk.length < CHUNK_BYTES) return;
    }
  }
}

function copyTo(buffer: Buffer, bytes: Buffer): Buffer {
  bytes.copy(buffer);
  return buffer.subarray(0, bytes.length);
}

/** https://nodejs.org/api/zlib.html: the codes of zlib begin so. */
function isUnpackingError(error: unknown): error is Error {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('Z_');
}
