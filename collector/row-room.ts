/** A row as it lies in a buffer among others: its bytes in UTF-8, from one place up to another. */
export interface RowBytes {
  room: Buffer;
  from: number;
  to: number;
}

/**
 * So much is taken at a time. Small, since the whole of it is kept as long as one row in it is; large enough that taking it costs nothing a
 * row.
 */
const ROOM_BYTES = 16 * 1024;

const NOTHING = Buffer.alloc(0);

/** Where rows are written, one behind the other, in memory that nobody else writes to. */
export class RowRoom {
  #room: Buffer;
  #from = 0;
  #at = 0;

  /** @param room to begin with, if there is one. */
  constructor(room: Buffer = NOTHING) {
    this.#room = room;
  }

  /** Begins a row. @param bytesMax how long it may become. */
  begin(bytesMax: number): void {
    if (this.#room.length - this.#at < bytesMax) {
      this.#room = Buffer.allocUnsafeSlow(Math.max(bytesMax, ROOM_BYTES));
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

  /** The row that was begun. */
  end(): RowBytes {
    return { room: this.#room, from: this.#from, to: this.#at };
  }
}

const FEW = 512;

/** What a row says, as a text. */
export function textOfRow({ room, from, to }: RowBytes): string {
  return room.toString('utf8', from, to);
}

/** Lines of one entry, each with its newline: what was a text already, and rows that are bytes. */
export function joinLines(lines: readonly (string | RowBytes)[]): Buffer {
  let bytes = lines.length;
  for (const line of lines) bytes += sizeOfLine(line);
  const joined = new RowRoom(Buffer.allocUnsafe(bytes));
  for (const line of lines) {
    if (typeof line === 'string') joined.putText(line);
    else joined.put(line.room, line.from, line.to);
    joined.putByte(NEWLINE);
  }
  return joined.end().room;
}

const NEWLINE = 0x0a;

/** Bytes of UTF-8. */
export function sizeOfLine(line: string | RowBytes): number {
  return typeof line === 'string' ? Buffer.byteLength(line) : line.to - line.from;
}
