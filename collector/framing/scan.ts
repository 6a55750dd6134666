import type { Frame, Framer } from './framer.ts';

/** Finds where a record ends. What it knows of the record that it is in is its state; the bytes are kept for it. */
export interface Scanner {
  /** A record begins at this offset of the source. */
  begin(start: number): void;
  /**
   * Goes on over the record's bytes.
   *
   * @param window the record's bytes, without those that were let go, and whatever follows.
   * @param at where the scan stopped before; 0 at first.
   * @returns where the record ends, or how far it was scanned: bytes before that are not asked for again.
   */
  scan(window: Buffer, at: number): Cut | number;
  /** The source is cut off behind the window: where the record ends then, mostly there. */
  cutOff(window: Buffer, at: number): Cut;
  /** See Framer. */
  isWhole?(): boolean;
}

export interface Cut {
  /** Index in the window behind the record and its ending. */
  end: number;
  /** Bytes at the record's beginning that are not its content, up to FRAME_BYTES_MAX of a record that has any; all of them if it has none. */
  head: number;
  /** Bytes at its end that are not its content. */
  tail: number;
  problem?: string;
}

export interface ScanSettings {
  recordBytesMax: number;
  /** Byte order mark that the source may begin with. */
  mark: Buffer;
  scanner: Scanner;
}

/** What frames a record at its beginning has at most so many bytes. */
export const FRAME_BYTES_MAX = 64;
/** So much is added at a time to what is held of a record, until it ends. */
const PIECE_BYTES = 8 * 1024;
/** The buffer for it becomes larger than it needs to be by up to so much. */
const SPARE_BYTES_MAX = 1024 * 1024;

const NOTHING = Buffer.alloc(0);

/** No record: bytes that only count in the offsets. */
export const nothing = (end: number): Cut => ({ end, head: end, tail: 0 });

/** A framer made of a scanner: holds what has begun, and nothing twice. */
export function createScanFramer(offset: number, settings: ScanSettings): Framer {
  return new ScanFramer(offset, settings);
}

class ScanFramer implements Framer {
  readonly #settings: ScanSettings;
  #start: number;
  /** The beginning of a record that is longer than may be held. */
  #beginning: Buffer | undefined;
  /** How many of the record's bytes are not in `#held` any more. */
  #gone = 0;
  #held = NOTHING;
  #heldBytes = 0;
  #at = 0;

  constructor(offset: number, settings: ScanSettings) {
    this.#settings = settings;
    this.#start = offset;
    settings.scanner.begin(offset);
  }

  get end(): number {
    return this.#start;
  }

  get pending(): number {
    return this.#gone + this.#heldBytes;
  }

  get isWhole(): boolean {
    return this.pending > 0 && (this.#settings.scanner.isWhole?.() ?? false);
  }

  push(chunk: Buffer, emit: (frame: Frame) => void): void {
    let from = 0;
    while (from < chunk.length) {
      if (this.pending > 0) {
        // A piece at a time: as soon as the record ends, the rest is scanned where it is.
        const piece = chunk.subarray(from, from + PIECE_BYTES);
        from += piece.length - this.#scanHeld(piece, emit);
      } else {
        from = this.#scanChunk(chunk, from, emit);
        this.#hold(chunk.subarray(from));
        this.#letGo();
        from = chunk.length;
      }
    }
  }

  flush(emit: (frame: Frame) => void): void {
    let window = this.#held.subarray(0, this.#heldBytes);
    while (this.#gone + window.length > 0) {
      const cut = this.#settings.scanner.cutOff(window, this.#at);
      this.#give(window, cut, emit);
      window = window.subarray(cut.end);
    }
    this.#empty();
  }

  /** Gives the records that are whole in the chunk, without copying them. Returns where the one begins that is not. */
  #scanChunk(chunk: Buffer, start: number, emit: (frame: Frame) => void): number {
    let from = start;
    while (from < chunk.length) {
      const window = chunk.subarray(from);
      const cut = this.#scan(window);
      if (cut === undefined) break;
      this.#give(window, cut, emit);
      from += cut.end;
    }
    return from;
  }

  /** Adds a piece to what is held, and gives the records that end in it. Returns how many bytes of the piece are left for scanning where they are. */
  #scanHeld(piece: Buffer, emit: (frame: Frame) => void): number {
    this.#hold(piece);
    for (;;) {
      const window = this.#held.subarray(0, this.#heldBytes);
      const cut = this.#scan(window);
      if (cut === undefined) break;
      this.#give(window, cut, emit);
      const rest = this.#heldBytes - cut.end;
      if (rest <= piece.length) {
        this.#empty();
        return rest;
      }
      this.#held.copyWithin(0, cut.end, this.#heldBytes);
      this.#heldBytes = rest;
    }
    this.#letGo();
    return 0;
  }

  #scan(window: Buffer): Cut | undefined {
    const mark = this.#start === 0 && this.#gone === 0 ? markIn(window, this.#settings.mark) : 'none';
    if (mark === 'perhaps') return undefined;
    if (mark === 'whole') return nothing(this.#settings.mark.length);
    const result = this.#settings.scanner.scan(window, this.#at);
    if (typeof result !== 'number') return result;
    this.#at = result;
    return undefined;
  }

  #give(window: Buffer, { end, head, tail, problem }: Cut, emit: (frame: Frame) => void): void {
    const { recordBytesMax, scanner } = this.#settings;
    const start = this.#start;
    const bytes = this.#gone + end;
    const length = bytes - head - tail;
    this.#start += bytes;
    if (length > 0) {
      const all = this.#beginning ?? window;
      const kept = all.subarray(head, head + Math.min(length, recordBytesMax));
      const frame = { bytes: kept, start, end: this.#start, length };
      emit(problem === undefined ? frame : { ...frame, problem });
    }
    this.#beginning = undefined;
    this.#gone = 0;
    this.#at = 0;
    scanner.begin(this.#start);
  }

  #empty(): void {
    this.#held = NOTHING;
    this.#heldBytes = 0;
  }

  #hold(piece: Buffer): void {
    const bytes = this.#heldBytes + piece.length;
    if (bytes > this.#held.length) {
      const grown = Buffer.allocUnsafe(
        Math.max(bytes, Math.min(this.#held.length * 2, bytes + SPARE_BYTES_MAX)),
      );
      this.#held.copy(grown, 0, 0, this.#heldBytes);
      this.#held = grown;
    }
    piece.copy(this.#held, this.#heldBytes);
    this.#heldBytes = bytes;
  }

  /** Of a record that is too long only its beginning is held, and what is still to be scanned. */
  #letGo(): void {
    const bytesMax = this.#settings.recordBytesMax + FRAME_BYTES_MAX;
    if (this.#beginning === undefined && this.#heldBytes <= bytesMax) return;
    this.#beginning ??= Buffer.from(this.#held.subarray(0, bytesMax));
    this.#held.copyWithin(0, this.#at, this.#heldBytes);
    this.#gone += this.#at;
    this.#heldBytes -= this.#at;
    this.#at = 0;
  }
}

function markIn(window: Buffer, mark: Buffer): 'none' | 'perhaps' | 'whole' {
  const bytes = Math.min(window.length, mark.length);
  if (bytes === 0 || !window.subarray(0, bytes).equals(mark.subarray(0, bytes))) return 'none';
  return bytes === mark.length ? 'whole' : 'perhaps';
}
