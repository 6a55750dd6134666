export const [QUOTE, COLON, COMMA, OPENED, CLOSED] = [0x22, 0x3a, 0x2c, 0x7b, 0x7d] as const;
const [SPACE, ZERO, NINE, DOT, BACKSLASH] = [0x20, 0x30, 0x39, 0x2e, 0x5c] as const;

/**
 * The bytes of a JSON text without escapes and control characters, from front to back: each method passes what stands next, or stays and
 * says that it is something else. Spaces are passed before it; other white space is not plain. What was passed last stands in the
 * bytes from `from` up to `at`.
 */
export class PlainBytes {
  #bytes: Buffer;
  #from = 0;
  #at = 0;
  #seen = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  /** Begins with others. One reader for all records makes no garbage. */
  open(bytes: Buffer): void {
    this.#bytes = bytes;
    this.#from = 0;
    this.#at = 0;
    this.#seen = 0;
  }

  get bytes(): Buffer {
    return this.#bytes;
  }

  get from(): number {
    return this.#from;
  }

  get at(): number {
    return this.#at;
  }

  /** Whether all texts that were passed are ASCII. */
  get isAscii(): boolean {
    return this.#seen < 0x80;
  }

  /** Where the next thing stands. */
  begin(): number {
    const bytes = this.#bytes;
    let at = this.#at;
    while (at < bytes.length && bytes[at] === SPACE) at += 1;
    this.#at = at;
    return at;
  }

  isAtEnd(): boolean {
    return this.begin() === this.#bytes.length;
  }

  /** @param character its code. */
  passes(character: number): boolean {
    const from = this.begin();
    if (from >= this.#bytes.length || this.#bytes[from] !== character) return false;
    this.#from = from;
    this.#at = from + 1;
    return true;
  }

  /** These very characters: a text with its quotes, or a word; what follows it is for the next look. */
  passesWord(word: Uint8Array): boolean {
    const from = this.begin();
    const bytes = this.#bytes;
    if (from + word.length > bytes.length) return false;
    for (let i = 0; i < word.length; i += 1) if (bytes[from + i] !== word[i]) return false;
    this.#from = from;
    this.#at = from + word.length;
    return true;
  }

  /** A text with its quotes, of so many bytes between them at most. */
  passesText(bytesMax: number): boolean {
    const from = this.begin();
    const bytes = this.#bytes;
    if (from >= bytes.length || bytes[from] !== QUOTE) return false;
    const end = Math.min(bytes.length, from + bytesMax + 2);
    let seen = this.#seen;
    for (let at = from + 1; at < end; at += 1) {
      const byte = bytes[at] ?? 0;
      if (byte === QUOTE) {
        this.#seen = seen;
        this.#from = from;
        this.#at = at + 1;
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
    if (whole < this.#bytes.length && this.#bytes[whole] === DOT) {
      end = this.#digitsFrom(whole + 1);
      if (end === whole + 1 || end - whole - 1 > fractionDigitsMax) return false;
    }
    this.#from = from;
    this.#at = end;
    return true;
  }

  /** Whether what was passed last are these very bytes. */
  says(word: Uint8Array): boolean {
    if (this.#at - this.#from !== word.length) return false;
    for (let i = 0; i < word.length; i += 1) if (this.#bytes[this.#from + i] !== word[i]) return false;
    return true;
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
    while (at < bytes.length) {
      const code = bytes[at] ?? 0;
      if (code < ZERO || code > NINE) break;
      at += 1;
    }
    return at;
  }
}
