/**
 * Cuts bytes into records at newlines, however the bytes are chunked. A line ends at `\n`; one `\r` before it belongs
 * to the ending, and so does a UTF-8 byte order mark to the beginning of the source. Lines without content are no
 * records, but count in the offsets.
 */

export interface Frame {
  /**
   * The record without its ending. A view on the caller's chunk whenever the line lies in one, so only valid until that
   * buffer is used again. Of a line that is too long: its first `lineBytesMax` bytes.
   */
  bytes: Buffer;
  /** Where its line starts in the source. */
  start: number;
  /** Reading on from here gives the next line. */
  end: number;
  /** Bytes that the record has; more than `bytes` holds if the line is too long. */
  length: number;
}

export interface Framer {
  /** Everything before this offset was given out: a new framer from here on loses and repeats nothing. */
  readonly end: number;
  /** Bytes of the line that has begun and not ended. */
  readonly pending: number;
  /** Takes the next bytes, and gives the records that end in them. Holds of an unfinished line no more than is kept of it. */
  push(chunk: Buffer, emit: (frame: Frame) => void): void;
  /** Gives the line that has begun as a record although its newline is missing. What follows begins a new line. */
  flush(emit: (frame: Frame) => void): void;
}

const NEWLINE = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const BYTE_ORDER_MARK = Buffer.from([0xef, 0xbb, 0xbf]);
const NOTHING = Buffer.alloc(0);

/**
 * @param offset where in the source the first chunk starts; the beginning of a line.
 * @param lineBytesMax longest record; of a longer one only so many bytes are kept.
 */
export function createFramer(offset: number, lineBytesMax: number): Framer {
  // Enough to tell a line that is just short enough, with its `\r` and byte order mark, from one that is too long.
  const heldBytesMax = lineBytesMax + BYTE_ORDER_MARK.length + 1;
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
    const from = start === 0 && startsWithMark(line) ? BYTE_ORDER_MARK.length : 0;
    const to = lineBytes > from && lastByte === CARRIAGE_RETURN ? lineBytes - 1 : lineBytes;
    const length = to - from;
    if (length === 0) return;
    const kept = Math.min(length, lineBytesMax);
    emit({ bytes: line.subarray(from, from + kept), start, end: lineStart, length });
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

function startsWithMark(line: Buffer): boolean {
  return line.length >= BYTE_ORDER_MARK.length && BYTE_ORDER_MARK.equals(line.subarray(0, 3));
}
