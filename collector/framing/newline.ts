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

/**
 * @param offset where in the source the first chunk starts; the beginning of a line.
 * @param lineBytesMax longest record; of a longer one only so many bytes are kept.
 */
export function createNewlineFramer(offset: number, lineBytesMax: number, charset: Charset): Framer {
  if (charset.isAsciiBased) return createFastFramer(offset, lineBytesMax, charset.mark);
  const scanner = createDelimiterScanner(charset.encode('\n'), charset.encode('\r'));
  return createScanFramer(offset, { recordBytesMax: lineBytesMax, mark: charset.mark, scanner });
}

/** For newlines that are one byte: nearly all the work is indexOf. */
function createFastFramer(offset: number, lineBytesMax: number, mark: Buffer): Framer {
  // Enough to tell a line that is just short enough, with its `\r` and byte order mark, from one that is too long.
  const heldBytesMax = lineBytesMax + mark.length + 1;
  let lineStart = offset;
  let pending = 0;
  let held: Buffer[] = [];
  let heldBytes = 0;
  let lastByte = 0;

  function hold(part: Buffer): void {
    if (part.length === 0) return;
    pending += part.length;
    lastByte = part[part.length - 1] ?? 0;
    const kept = Math.min(part.length, heldBytesMax - heldBytes);
    if (kept <= 0) return;
    // A copy: the caller uses its buffer again.
    held.push(Buffer.from(part.subarray(0, kept)));
    heldBytes += kept;
  }

  /** @param newline bytes of the newline: 1, or 0 for a line that ends without. */
  function endLine(line: Buffer, lineBytes: number, newline: number, emit: (frame: Frame) => void): void {
    const start = lineStart;
    lineStart += lineBytes + newline;
    const from = start === 0 && startsWith(line, mark) ? mark.length : 0;
    const to = lineBytes > from && lastByte === CARRIAGE_RETURN ? lineBytes - 1 : lineBytes;
    const length = to - from;
    if (length === 0) return;
    const kept = Math.min(length, lineBytesMax);
    // A view costs as much as looking at the line.
    const bytes = from === 0 && kept === line.length ? line : line.subarray(from, from + kept);
    emit({ bytes, start, end: lineStart, length });
  }

  function endHeldLine(newline: number, emit: (frame: Frame) => void): void {
    const line = held.length === 1 ? (held[0] ?? NOTHING) : Buffer.concat(held, heldBytes);
    const lineBytes = pending;
    held = [];
    heldBytes = 0;
    pending = 0;
    endLine(line, lineBytes, newline, emit);
  }

  return {
    get end() {
      return lineStart;
    },
    get pending() {
      return pending;
    },
    isWhole: false,
    push: (chunk, emit) => {
      let from = 0;
      let newline = chunk.indexOf(NEWLINE);
      if (newline >= 0 && pending > 0) {
        hold(chunk.subarray(0, newline));
        endHeldLine(1, emit);
        from = newline + 1;
        newline = chunk.indexOf(NEWLINE, from);
      }
      while (newline >= 0) {
        const line = chunk.subarray(from, newline);
        lastByte = newline > from ? (chunk[newline - 1] ?? 0) : 0;
        endLine(line, newline - from, 1, emit);
        from = newline + 1;
        newline = chunk.indexOf(NEWLINE, from);
      }
      hold(from === 0 ? chunk : chunk.subarray(from));
    },
    flush: (emit) => {
      if (pending > 0) endHeldLine(0, emit);
    },
  };
}

function startsWith(line: Buffer, mark: Buffer): boolean {
  return mark.length > 0 && line.length >= mark.length && mark.equals(line.subarray(0, mark.length));
}
