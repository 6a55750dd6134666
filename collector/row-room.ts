import { QUOTE } from './plain-bytes.ts';
import { copyBytes, viewOf } from './words.ts';

/** A row as it lies in a buffer among others: its bytes in UTF-8, from one place up to another, where its newline stands. */
export interface RowBytes {
  room: Buffer;
  from: number;
  to: number;
}

/**
 * So much is taken at a time: more and more while rows come fast, so that those of a batch lie in one. Where they come slowly little is taken, for
 * the whole of it is kept as long as one row in it is, and what is in use for long counts as old and goes late.
 */
const ROOM_BYTES = { min: 4 * 1024, max: 64 * 1024 };
/** Rows come fast if a room is full after so long. */
const FAST_MS = 50;

/** Where rows are written, one behind the other, in memory that nobody else writes to. */
export class RowRoom {
  #room = Buffer.alloc(0);
  #view = viewOf(this.#room);
  #roomBytes = ROOM_BYTES.min;
  #takenAt = 0;
  #from = 0;
  #to = 0;
  #at = 0;

  /** Begins a row. @param bytesMax how long it may become. @param now in milliseconds. */
  begin(bytesMax: number, now: number): void {
    if (this.#room.length - this.#at <= bytesMax) {
      const isFast = now - this.#takenAt < FAST_MS;
      this.#roomBytes = isFast ? Math.min(this.#roomBytes * 2, ROOM_BYTES.max) : ROOM_BYTES.min;
      this.#room = Buffer.allocUnsafeSlow(Math.max(bytesMax + 1, this.#roomBytes));
      this.#view = viewOf(this.#room);
      this.#takenAt = now;
      this.#at = 0;
    }
    this.#from = this.#at;
  }

  putByte(byte: number): void {
    this.#view.setUint8(this.#at, byte);
    this.#at += 1;
  }

  put(bytes: DataView, from: number, to: number): void {
    this.#at = copyBytes(bytes, from, to, this.#view, this.#at);
  }

  /** A whole number, not negative. */
  putNumber(number: number): void {
    let digits = 1;
    for (let over = 10; over <= number; over *= 10) digits += 1;
    let rest = number;
    for (let at = this.#at + digits - 1; at >= this.#at; at -= 1) {
      const tens = Math.floor(rest / 10);
      this.#view.setUint8(at, ZERO + (rest - tens * 10));
      rest = tens;
    }
    this.#at += digits;
  }

  /** A text as JSON has it, in quotes; it takes QUOTED_BYTES_MAX for each of its characters, and two for the quotes. */
  putQuoted(text: string): void {
    const start = this.#at;
    this.putByte(QUOTE);
    for (let i = 0; i < text.length; i += 1) {
      const code = text.charCodeAt(i);
      // Short texts of plain ASCII are the rule, for which a call of the system's would cost more.
      if (code < 0x20 || code > 0x7e || code === QUOTE || code === BACKSLASH) {
        this.#at = start + this.#room.write(JSON.stringify(text), start);
        return;
      }
      this.putByte(code);
    }
    this.putByte(QUOTE);
  }

  /** Ends the row: it stands in `bytes` from `from` up to `to`. */
  end(): void {
    this.#to = this.#at;
    this.putByte(NEWLINE);
  }

  get bytes(): Buffer {
    return this.#room;
  }

  get from(): number {
    return this.#from;
  }

  get to(): number {
    return this.#to;
  }
}

/** `\u0000` is the longest. */
export const QUOTED_BYTES_MAX = 6;
const [BACKSLASH, ZERO] = [0x5c, 0x30];

/** What a row says, as a text. */
export function textOfRow({ room, from, to }: RowBytes): string {
  return room.toString('utf8', from, to);
}

/** Lines of one entry, each with its newline: texts, and rows that are bytes. Rows that lie one behind the other are not copied. */
export function joinLines(lines: readonly (string | RowBytes)[]): Buffer {
  const pieces: Buffer[] = [];
  for (let at = 0; at < lines.length;) {
    const end = endOfRun(lines, at);
    pieces.push(pieceOf(lines, at, end));
    at = end;
  }
  const [only] = pieces;
  return pieces.length === 1 && only !== undefined ? only : Buffer.concat(pieces);
}

/** Where the lines from one on end that are all texts, or lie one behind the other. */
function endOfRun(lines: readonly (string | RowBytes)[], start: number): number {
  let before = lines[start];
  let at = start + 1;
  for (; at < lines.length; at += 1) {
    const line = lines[at];
    if (typeof line === 'string' || typeof before === 'string') {
      if (typeof line !== typeof before) break;
    } else if (line?.room !== before?.room || line?.from !== (before?.to ?? 0) + 1) break;
    before = line;
  }
  return at;
}

function pieceOf(lines: readonly (string | RowBytes)[], start: number, end: number): Buffer {
  const [first, last] = [lines[start], lines[end - 1]];
  return typeof first === 'object' && typeof last === 'object'
    ? first.room.subarray(first.from, last.to + 1)
    : Buffer.from(`${(lines.slice(start, end) as string[]).join('\n')}\n`);
}

const NEWLINE = 0x0a;

/** Bytes of UTF-8. */
export function sizeOfLine(line: string | RowBytes): number {
  return typeof line === 'string' ? Buffer.byteLength(line) : line.to - line.from;
}
