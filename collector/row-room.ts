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
      this.#takenAt = now;
      this.#at = 0;
    }
    this.#from = this.#at;
  }

  putByte(byte: number): void {
    this.#room[this.#at] = byte;
    this.#at += 1;
  }

  /** Nearly all are of a few bytes, for which a call of the system's would cost more. */
  put(bytes: Uint8Array, from: number, to: number): void {
    const room = this.#room;
    let at = this.#at;
    if (to - from > FEW) {
      room.set(bytes.subarray(from, to), at);
      at += to - from;
    } else {
      for (let i = from; i < to; i += 1) {
        room[at] = bytes[i] ?? 0;
        at += 1;
      }
    }
    this.#at = at;
  }

  putText(text: string): void {
    this.#at += this.#room.write(text, this.#at);
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

const FEW = 512;

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
