import { nothing } from './scan.ts';
import type { Cut, Scanner } from './scan.ts';

/**
 * Finds where an XML document ends, by its tags alone: what is in them is the decoder's matter. Comments, CDATA, processing
 * instructions, the document type and quoted attributes are passed over, as tags in them are none.
 */

export interface XmlBounds {
  root?: string;
  outside: 'dead-letter' | 'skip';
}

/** What the scan is in: passed over up to its end, or a tag or document type, whose end may stand in quotes or brackets. */
type Markup =
  | { kind: 'passed over'; end: string }
  | { kind: 'start' | 'end' | 'doctype'; quote: number; brackets: number; lastByte: number };

type Tag = Extract<Markup, { quote: number }>;
type PassedOver = Extract<Markup, { end: string }>;

const inTag = (kind: 'start' | 'end' | 'doctype'): Markup => ({ kind, quote: 0, brackets: 0, lastByte: 0 });
const passedOver = (end: string): PassedOver => ({ kind: 'passed over', end });

const CDATA_END = ']]>';

/** What `<` may begin; the longer ones first. */
const OPENINGS: readonly (readonly [string, () => Markup])[] = [
  ['<![CDATA[', () => passedOver(CDATA_END)],
  ['<!--', () => passedOver('-->')],
  ['<!', () => inTag('doctype')],
  ['<?', () => passedOver('?>')],
  ['</', () => inTag('end')],
  ['<', () => inTag('start')],
];
const DECLARATIONS = ['<?xml ', '<?xml\t', '<?xml\r', '<?xml\n'];
const [LESS, GREATER, SLASH, OPEN_BRACKET, CLOSE_BRACKET] = [0x3c, 0x3e, 0x2f, 0x5b, 0x5d];
const QUOTES = new Set([0x22, 0x27]);
const SPACES = new Set([0x20, 0x09, 0x0a, 0x0d]);

/** Longer than any word that is looked for. */
const WORD_BYTES_MAX = 1024;

const NOT_CLOSED = 'is XML that is not closed';
const NO_DOCUMENT = 'stands outside of any XML document';

export function createXmlScanner(bounds: XmlBounds): Scanner {
  return new XmlScanner(bounds);
}

class XmlScanner implements Scanner {
  /** What the record's root begins with, if its name is known: ends of names among it. */
  readonly #roots: readonly string[];
  readonly #skipsOutside: boolean;
  #markup: Markup | undefined;
  #depth = 0;
  #place: 'before' | 'beside' | 'outside' | 'document' = 'before';
  #isBegun = false;

  constructor({ root, outside }: XmlBounds) {
    this.#roots =
      root === undefined
        ? []
        : [' ', '\t', '\r', '\n', '>', '/'].map((end) =>
            // Byte for byte, as the window is looked at.
            Buffer.from(`<${root}${end}`).toString('latin1'),
          );
    this.#skipsOutside = outside === 'skip';
  }

  begin(): void {
    this.#markup = undefined;
    this.#depth = 0;
    this.#place = 'before';
    this.#isBegun = false;
  }

  scan(window: Buffer, from: number): Cut | number {
    const isNew = this.#place === 'before';
    if (isNew) {
      const begun = this.#open(window);
      if (begun !== undefined) return begun;
    }
    // What stands outside begins with something that begins nothing else.
    if (this.#place === 'outside') return this.#goOutside(window, isNew ? 1 : from);
    let at = from;
    for (;;) {
      const markup = this.#markup;
      if (this.#place === 'beside' && markup === undefined) return nothing(at);
      const step = markup === undefined ? this.#goOn(window, at) : this.#passMarkup(window, at, markup);
      if (typeof step !== 'number') return step;
      // It cannot tell before there is more.
      if (step === at && markup === this.#markup) return at;
      at = step;
    }
  }

  cutOff(window: Buffer): Cut {
    if (this.#place === 'document') return { end: window.length, head: 0, tail: 0, problem: NOT_CLOSED };
    return this.#outside(window.length);
  }

  /** Finds out what the record is. Spaces are none, and nor is what may stand before a root whose name is known. */
  #open(window: Buffer): Cut | number | undefined {
    const spaces = window.findIndex((byte) => !SPACES.has(byte));
    if (spaces !== 0) return nothing(spaces < 0 ? window.length : spaces);
    const begun = this.#begunAt(window, 0);
    if (begun === 'perhaps') return 0;
    if (begun === 'document') this.#place = 'document';
    else {
      this.#place = begun === undefined || isText(begun) ? 'outside' : 'beside';
      this.#markup = begun;
    }
    return undefined;
  }

  /** Over text to what is none. Skipped text may be cut anywhere, so it is cut before what has to be seen as a whole. */
  #goOutside(window: Buffer, from: number): Cut | number {
    let at = from;
    for (;;) {
      if (this.#markup?.kind === 'passed over') {
        at = this.#passOver(window, at, this.#markup);
        if (this.#markup !== undefined) return at;
      }
      at = window.indexOf(LESS, at);
      if (at < 0) return this.#skipsOutside ? nothing(window.length) : window.length;
      const begun = this.#begunAt(window, at);
      if (begun === 'perhaps' && (!this.#skipsOutside || at === 0)) return at;
      if (begun !== undefined && (typeof begun === 'string' || !isText(begun))) return this.#outside(at);
      this.#markup = begun;
      at += 1;
    }
  }

  /** What begins here where no document is; undefined for text. */
  #begunAt(window: Buffer, at: number): 'document' | 'perhaps' | PassedOver | undefined {
    const kind = this.#roots.length > 0 ? fits(window, at, this.#roots) : beginsDocument(window, at);
    if (kind !== 'no') return kind === 'yes' ? 'document' : 'perhaps';
    const opening = openingAt(window, at);
    if (opening === 'perhaps') return opening;
    return opening?.kind === 'passed over' ? opening : undefined;
  }

  #outside(end: number): Cut {
    return this.#skipsOutside ? nothing(end) : { end, head: 0, tail: 0, problem: NO_DOCUMENT };
  }

  /** To the next markup of the document. */
  #goOn(window: Buffer, from: number): Cut | number {
    const at = window.indexOf(LESS, from);
    if (at < 0) return window.length;
    if (this.#isBegun) {
      const next = fits(window, at, [...DECLARATIONS, ...(this.#depth > 0 ? this.#roots : [])]);
      if (next === 'perhaps') return at;
      if (next === 'yes') return { end: at, head: 0, tail: 0, problem: NOT_CLOSED };
    }
    const opening = openingAt(window, at);
    if (opening === 'perhaps' || opening === undefined) return at;
    this.#markup = opening;
    this.#isBegun = true;
    return at + 1;
  }

  #passMarkup(window: Buffer, from: number, markup: Markup): Cut | number {
    return markup.kind === 'passed over'
      ? this.#passOver(window, from, markup)
      : this.#passTag(window, from, markup);
  }

  #passOver(window: Buffer, from: number, { end }: PassedOver): number {
    const at = window.indexOf(end, from);
    if (at < 0) return Math.max(from, window.length - end.length + 1);
    this.#markup = undefined;
    return at + end.length;
  }

  #passTag(window: Buffer, from: number, tag: Tag): Cut | number {
    for (let at = from; at < window.length; at += 1) {
      const byte = window[at] ?? 0;
      // Not even a quoted value may hold it, so the tag has no end: the next one shows what follows.
      if (byte === LESS && tag.kind !== 'doctype') return this.#endTag(tag, at);
      if (byte === tag.quote) tag.quote = 0;
      else if (tag.quote === 0) {
        if (byte === GREATER && tag.brackets === 0) return this.#endTag(tag, at + 1);
        if (QUOTES.has(byte) && tag.kind !== 'end') tag.quote = byte;
        else if (byte === OPEN_BRACKET) tag.brackets += tag.kind === 'doctype' ? 1 : 0;
        else if (byte === CLOSE_BRACKET) tag.brackets -= tag.brackets > 0 ? 1 : 0;
      }
      tag.lastByte = byte;
    }
    return window.length;
  }

  #endTag({ kind, lastByte }: Tag, end: number): Cut | number {
    this.#markup = undefined;
    if (kind === 'doctype') return end;
    if (kind === 'start' && lastByte !== SLASH) this.#depth += 1;
    if (kind === 'end') this.#depth -= 1;
    return this.#depth > 0 ? end : { end, head: 0, tail: 0 };
  }
}

/** CDATA is text, whatever stands in it; comments and processing instructions are none. */
function isText({ end }: PassedOver): boolean {
  return end === CDATA_END;
}

type Fit = 'yes' | 'no' | 'perhaps';

/** Whether one of the words stands in the window, or may when there is more of it. */
function fits(window: Buffer, at: number, words: readonly string[]): Fit {
  const text = window.toString('latin1', at, at + WORD_BYTES_MAX);
  if (words.some((word) => text.startsWith(word))) return 'yes';
  return words.some((word) => word.length > text.length && word.startsWith(text)) ? 'perhaps' : 'no';
}

/** Whether an XML document may begin here: with the tag of its root, or with what stands before one. */
function beginsDocument(window: Buffer, at: number): Fit {
  if (window[at] !== LESS) return 'no';
  if (at + 1 === window.length) return 'perhaps';
  return /^<[^\s</>="'&\d.-]/.test(window.toString('latin1', at, at + 2)) ? 'yes' : 'no';
}

function openingAt(window: Buffer, at: number): Markup | 'perhaps' | undefined {
  if (window[at] !== LESS) return undefined;
  const words = OPENINGS.map(([word]) => word);
  const text = window.toString('latin1', at, at + WORD_BYTES_MAX);
  if (words.some((word) => word.length > text.length && word.startsWith(text))) return 'perhaps';
  return OPENINGS.find(([word]) => text.startsWith(word))?.[1]();
}
