import * as v from 'valibot';
import type { Charset } from '../charset.ts';
import { createDelimiterScanner } from './delimiter-scanner.ts';
import { USUAL } from './framer.ts';
import type { Frame, Framer, FramingComponent } from './framer.ts';
import { createScanFramer } from './scan.ts';

const config = v.strictObject({
  type: v.literal('newline'),
});

/**
 * Cuts bytes into records at newlines, however the bytes are chunked. A line ends at `\n`; one `\r` before it belongs
 * to the ending, and so does a byte order mark to the beginning of the source. Lines without content are no
 * records, but count in the offsets.
 */
export const newlineFraming = {
  type: 'newline',
  summary:
    'Each line is a record. It ends with a newline, before which one carriage return is dropped; empty lines are skipped.',
  example: 'framing: { type: newline }',
  config,
  create: (_, { charset, recordBytesMax }) => ({
    ...USUAL,
    // What is looked for is a single byte.
    ...(charset.isAsciiBased ? { findsAnywhere: true } : {}),
    open: (offset) => createNewlineFramer(offset, recordBytesMax, charset),
  }),
} satisfies FramingComponent<v.InferOutput<typeof config>>;

const NEWLINE = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const NOTHING = Buffer.alloc(0);
/** What is held while nothing is: the same for all, and nothing is added to it. */
const NONE: Buffer[] = [];

/**
 * @param offset where in the source the first chunk starts; the beginning of a line.
 * @param lineBytesMax longest record; of a longer one only so many bytes are kept.
 */
export function createNewlineFramer(offset: number, lineBytesMax: number, charset: Charset): Framer {
  if (charset.isAsciiBased) return new FastFramer(offset, lineBytesMax, charset.mark);
  const scanner = createDelimiterScanner(charset.encode('\n'), charset.encode('\r'));
  return createScanFramer(offset, { recordBytesMax: lineBytesMax, mark: charset.mark, scanner });
}

/**
 * For newlines that are one byte: nearly all the work is indexOf. A class, of whose methods there is one each: there may be thousands of
 * framers.
 */
class FastFramer implements Framer {
  readonly isWhole = false;
  readonly #lineBytesMax: number;
  readonly #mark: Buffer;
  #lineStart: number;
  #pending = 0;
  #held: Buffer[] = NONE;
  #heldBytes = 0;
  #lastByte = 0;

  constructor(offset: number, lineBytesMax: number, mark: Buffer) {
    this.#lineStart = offset;
    this.#lineBytesMax = lineBytesMax;
    this.#mark = mark;
  }

  get end(): number {
    return this.#lineStart;
  }

  get pending(): number {
    return this.#pending;
  }

  push(chunk: Buffer, emit: (frame: Frame) => void): void {
    let from = 0;
    let newline = chunk.indexOf(NEWLINE);
    if (newline >= 0 && this.#pending > 0) {
      this.#hold(chunk.subarray(0, newline));
      this.#endHeldLine(1, emit);
      from = newline + 1;
      newline = chunk.indexOf(NEWLINE, from);
    }
    while (newline >= 0) {
      if (newline > from) {
        this.#lastByte = chunk[newline - 1] ?? 0;
        this.#endLine(chunk.subarray(from, newline), newline - from, 1, emit);
      } else {
        this.#lineStart += 1;
      }
      from = newline + 1;
      // Megabytes may be nothing but newlines.
      newline = chunk[from] === NEWLINE ? from : chunk.indexOf(NEWLINE, from);
    }
    this.#hold(from === 0 ? chunk : chunk.subarray(from));
  }

  flush(emit: (frame: Frame) => void): void {
    if (this.#pending > 0) this.#endHeldLine(0, emit);
  }

  #hold(part: Buffer): void {
    if (part.length === 0) return;
    this.#pending += part.length;
    this.#lastByte = part[part.length - 1] ?? 0;
    // Enough to tell a line that is just short enough, with its `\r` and byte order mark, from one that is too long.
    const heldBytesMax = this.#lineBytesMax + this.#mark.length + 1;
    const kept = Math.min(part.length, heldBytesMax - this.#heldBytes);
    if (kept <= 0) return;
    if (this.#held === NONE) this.#held = [];
    // A copy: the caller uses its buffer again.
    this.#held.push(Buffer.from(part.subarray(0, kept)));
    this.#heldBytes += kept;
  }

  /** @param newline bytes of the newline: 1, or 0 for a line that ends without. */
  #endLine(line: Buffer, lineBytes: number, newline: number, emit: (frame: Frame) => void): void {
    const start = this.#lineStart;
    this.#lineStart += lineBytes + newline;
    const from = start === 0 && startsWith(line, this.#mark) ? this.#mark.length : 0;
    const to = lineBytes > from && this.#lastByte === CARRIAGE_RETURN ? lineBytes - 1 : lineBytes;
    const length = to - from;
    if (length === 0) return;
    const kept = Math.min(length, this.#lineBytesMax);
    // A view costs as much as looking at the line.
    const bytes = from === 0 && kept === line.length ? line : line.subarray(from, from + kept);
    emit({ bytes, start, end: this.#lineStart, length });
  }

  #endHeldLine(newline: number, emit: (frame: Frame) => void): void {
    const held = this.#held;
    const line = held.length === 1 ? (held[0] ?? NOTHING) : Buffer.concat(held, this.#heldBytes);
    const lineBytes = this.#pending;
    this.#held = NONE;
    this.#heldBytes = 0;
    this.#pending = 0;
    this.#endLine(line, lineBytes, newline, emit);
  }
}

function startsWith(line: Buffer, mark: Buffer): boolean {
  return mark.length > 0 && line.length >= mark.length && mark.equals(line.subarray(0, mark.length));
}
