export const [QUOTE, COLON, COMMA, OPENED, CLOSED] = [0x22, 0x3a, 0x2c, 0x7b, 0x7d] as const;
const [SPACE, ZERO, NINE, DOT] = [0x20, 0x30, 0x39, 0x2e];

/**
 * JSON text without escapes and control characters, from front to back: each method passes what stands next, or stays and says that it is
 * something else. Spaces are passed before it; other white space is not plain.
 */
export class PlainText {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** Where the next thing stands. */
  begin(): number {
    while (this.#text.charCodeAt(this.#at) === SPACE) this.#at += 1;
    return this.#at;
  }

  /** Everything from a place up to here. */
  since(from: number): string {
    return this.#text.slice(from, this.#at);
  }

  isAtEnd(): boolean {
    return this.begin() === this.#text.length;
  }

  /** @param character its code. */
  passes(character: number): boolean {
    if (this.#text.charCodeAt(this.begin()) !== character) return false;
    this.#at += 1;
    return true;
  }

  /** These very characters: a text with its quotes, or a word; what follows it is for the next look. */
  passesWord(word: string): boolean {
    if (!this.#text.startsWith(word, this.begin())) return false;
    this.#at += word.length;
    return true;
  }

  /** A text with its quotes. Undefined if it is longer than so many UTF-16 units. */
  text(unitsMax: number): string | undefined {
    const from = this.begin();
    return this.passesText(unitsMax) ? this.#text.slice(from, this.#at) : undefined;
  }

  /** The same, when what it says does not matter. */
  passesText(unitsMax: number): boolean {
    const from = this.begin();
    if (this.#text.charCodeAt(from) !== QUOTE) return false;
    const end = this.#text.indexOf('"', from + 1);
    if (end === -1 || end - from - 1 > unitsMax) return false;
    this.#at = end + 1;
    return true;
  }

  /** A number as it is written, neither negative nor with an exponent. Undefined if it has more digits. */
  number(digitsMax: number, fractionDigitsMax: number): string | undefined {
    const from = this.begin();
    const whole = this.#digitsFrom(from);
    if (whole === from || whole - from > digitsMax) return undefined;
    // 012 is no JSON.
    if (whole - from > 1 && this.#text.charCodeAt(from) === ZERO) return undefined;
    let end = whole;
    if (this.#text.charCodeAt(whole) === DOT) {
      end = this.#digitsFrom(whole + 1);
      if (end === whole + 1 || end - whole - 1 > fractionDigitsMax) return undefined;
    }
    this.#at = end;
    return this.#text.slice(from, end);
  }

  /** Where the digits end that begin at a place. */
  #digitsFrom(from: number): number {
    let at = from;
    for (;;) {
      const code = this.#text.charCodeAt(at);
      // Beyond the end it is NaN.
      if (!(code >= ZERO && code <= NINE)) return at;
      at += 1;
    }
  }
}
