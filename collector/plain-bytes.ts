import { HIGH_BITS, isPlainText, standsAt } from './words.ts';

export const [QUOTE, COLON, COMMA, OPENED, CLOSED] = [0x22, 0x3a, 0x2c, 0x7b, 0x7d] as const;
const [SPACE, ZERO, NINE, DOT, BACKSLASH] = [0x20, 0x30, 0x39, 0x2e, 0x5c] as const;

/**
 * The bytes of a JSON text without escapes and control characters, from front to back: each method passes what stands next, or stays and
 * says that it is something else. Spaces are passed before it; other white space is not plain. What was passed last stands in the
 * bytes from `from` up to `at`, which are places in all of the memory that the text's buffer is a part of.
 */
export class PlainBytes {
  #bytes: Buffer = Buffer.from(new ArrayBuffer(0));
  #view = new DataView(this.#bytes.buffer);
  #end = 0;
  #from = 0;
  #at = 0;
  #seen = 0;

  /** Begins with others. One reader for all records makes no garbage, for most of them come from the same memory. */
  open(record: Buffer): void {
    const { buffer } = record;
    if (buffer !== this.#view.buffer) {
      this.#bytes = Buffer.from(buffer);
      this.#view = new DataView(buffer);
    }
    this.#from = record.byteOffset;
    this.#at = record.byteOffset;
    this.#end = record.byteOffset + record.length;
    this.#seen = 0;
  }

  /** All of the memory that the text stands in. */
  get bytes(): Buffer {
    return this.#bytes;
  }

  get view(): DataView {
    return this.#view;
  }

  get from(): number {
    return this.#from;
  }

  get at(): number {
    return this.#at;
  }

  /** Whether all texts that were passed are ASCII. */
  get isAscii(): boolean {
    return (this.#seen & HIGH_BITS) === 0;
  }

  /** Where the next thing stands. */
  begin(): number {
    const bytes = this.#bytes;
    let at = this.#at;
    while (at < this.#end && bytes[at] === SPACE) at += 1;
    this.#at = at;
    return at;
  }

  isAtEnd(): boolean {
    return this.begin() === this.#end;
  }

  /** @param character its code. */
  passes(character: number): boolean {
    const from = this.begin();
    if (from >= this.#end || this.#bytes[from] !== character) return false;
    this.#from = from;
    this.#at = from + 1;
    return true;
  }

  /** These very characters: a text with its quotes, or a word; what follows it is for the next look. */
  passesWord(word: DataView): boolean {
    const from = this.begin();
    if (from + word.byteLength > this.#end || !standsAt(this.#view, from, word)) return false;
    this.#from = from;
    this.#at = from + word.byteLength;
    return true;
  }

  /** A text with its quotes, of so many bytes between them at most. */
  passesText(bytesMax: number): boolean {
    const from = this.begin();
    const bytes = this.#bytes;
    const view = this.#view;
    if (from >= this.#end || bytes[from] !== QUOTE) return false;
    const end = Math.min(this.#end, from + bytesMax + 2);
    let seen = this.#seen;
    let at = from + 1;
    while (at < end) {
      if (at + 4 <= end) {
        const four = view.getInt32(at, true);
        if (isPlainText(four)) {
          seen |= four;
          at += 4;
          continue;
        }
      }
      const byte = bytes[at] ?? 0;
      at += 1;
      if (byte === QUOTE) {
        this.#seen = seen;
        this.#from = from;
        this.#at = at;
        return true;
      }
      // An escape may stand for anything, and a control character is no JSON.
      if (byte === BACKSLASH || byte < SPACE) return false;
      seen |= byte;
    }
    return false;
  }

  /** A number as it is written, neither negative nor with an exponent. False if it has more digits. */
  passesNumber(digitsMax: number, fractionDigitsMax: number): boolean {
    const from = this.begin();
    const whole = this.#digitsFrom(from);
    if (whole === from || whole - from > digitsMax) return false;
    // 012 is no JSON.
    if (whole - from > 1 && this.#bytes[from] === ZERO) return false;
    let end = whole;
    if (whole < this.#end && this.#bytes[whole] === DOT) {
      end = this.#digitsFrom(whole + 1);
      if (end === whole + 1 || end - whole - 1 > fractionDigitsMax) return false;
    }
    this.#from = from;
    this.#at = end;
    return true;
  }

  /** Whether what was passed last are these very bytes. */
  says(word: DataView): boolean {
    return this.#at - this.#from === word.byteLength && standsAt(this.#view, this.#from, word);
  }

  /** What the text says that was passed last, if it is ASCII. */
  text(): string {
    return this.#bytes.toString('latin1', this.#from + 1, this.#at - 1);
  }

  /** Takes what was passed since a place as one thing. */
  join(from: number): void {
    this.#from = from;
  }

  /** Where the digits end that begin at a place. */
  #digitsFrom(from: number): number {
    const bytes = this.#bytes;
    let at = from;
    while (at < this.#end) {
      const code = bytes[at] ?? 0;
      if (code < ZERO || code > NINE) break;
      at += 1;
    }
    return at;
  }
}
