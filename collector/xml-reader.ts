import { quoted } from './quoted.ts';

/**
 * Reads an XML document (XML 1.0) into its elements. Strict where a broken record would otherwise pass for a whole one: tags match, one root, attributes in
 * quotes and once each, known entities only. A document type that declares anything is refused, so no entity can grow.
 */
export interface XmlElement {
  /** As it is written, with its prefix. */
  name: string;
  attributes: ReadonlyMap<string, string>;
  children: XmlElement[];
  /** The text in it, without that of its children. */
  text: string;
  /** Where it stands in the document, from `<` to behind its last `>`. */
  start: number;
  end: number;
}

export interface XmlLimits {
  depthMax: number;
}

/** The root, or in words why it is no XML. */
export function readXml(text: string, limits: XmlLimits): XmlElement | string {
  try {
    return new XmlReader(text, limits).read();
  } catch (error) {
    if (error instanceof XmlFault) return `${error.message} at ${placeOf(text, error.at)}`;
    throw error;
  }
}

/** Thrown and caught within this file. */
class XmlFault extends Error {
  readonly at: number;
  constructor(message: string, at: number) {
    super(message);
    this.at = at;
  }
}

function placeOf(text: string, at: number): string {
  const before = text.slice(0, at);
  return `line ${before.split('\n').length}, column ${at - before.lastIndexOf('\n')}`;
}

const NO_ATTRIBUTES: ReadonlyMap<string, string> = new Map();
const NAME = /[:A-Za-z_\u0080-\uFFFF][:\w.\-\u0080-\uFFFF]*/y;
const SPACES = /[ \t\r\n]*/y;
/** A document type without declarations of its own. */
const DOCTYPE = /<!DOCTYPE[ \t\r\n][^[\]<>"']*(?:(?:"[^"<>[\]]*"|'[^'<>[\]]*')[^[\]<>"']*)*>/y;
const ENTITY_CHARS_MAX = 16;
const ENTITIES: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };

class XmlReader {
  readonly #text: string;
  readonly #limits: XmlLimits;
  #at = 0;
  /** Elements that are open, from the root on. */
  readonly #open: XmlElement[] = [];
  #root: XmlElement | undefined;

  constructor(text: string, limits: XmlLimits) {
    this.#text = text;
    this.#limits = limits;
  }

  read(): XmlElement {
    if (this.#text.startsWith('\uFEFF')) this.#at = 1;
    while (this.#at < this.#text.length) {
      const next = this.#text.indexOf('<', this.#at);
      const end = next < 0 ? this.#text.length : next;
      if (end > this.#at) this.#addText(this.#at, end);
      this.#at = end;
      if (next >= 0) this.#readMarkup();
    }
    const left = this.#open.at(-1);
    if (left !== undefined) throw this.#fault(`ends before its element ${quoted(left.name)}`);
    if (this.#root === undefined) throw this.#fault('has no element');
    return this.#root;
  }

  #readMarkup(): void {
    const text = this.#text;
    const start = this.#at;
    switch (text.charAt(start + 1)) {
      case '/':
        return this.#readEndTag();
      case '?':
        return this.#skipTo('?>', 'a processing instruction');
      case '!':
        if (text.startsWith('<!--', start)) return this.#skipTo('-->', 'a comment');
        if (text.startsWith('<![CDATA[', start)) return this.#readCdata();
        return this.#skipDoctype();
      default:
        return this.#readStartTag();
    }
  }

  #skipTo(end: string, what: string): void {
    const found = this.#text.indexOf(end, this.#at + 2);
    if (found < 0) throw this.#fault(`has ${what} that is not closed`);
    this.#at = found + end.length;
  }

  #readCdata(): void {
    const start = this.#at + '<![CDATA['.length;
    this.#skipTo(']]>', 'a CDATA section');
    const element = this.#open.at(-1);
    if (element === undefined) throw this.#fault('has text outside of its root element', start);
    element.text += newlines(this.#text.slice(start, this.#at - ']]>'.length));
  }

  #skipDoctype(): void {
    const found = this.#stick(DOCTYPE);
    if (found === '')
      throw this.#fault('has a document type with declarations, or other markup that is not read');
    if (this.#root !== undefined || this.#open.length > 0) throw this.#fault('has a document type within it');
    this.#at += found.length;
  }

  #readStartTag(): void {
    const start = this.#at;
    this.#at += 1;
    const name = this.#readName('an element');
    if (this.#root !== undefined) throw this.#fault(`has a second root element, ${quoted(name)},`, start);
    if (this.#open.length === this.#limits.depthMax) {
      throw this.#fault(`has elements deeper than ${this.#limits.depthMax} levels`, start);
    }
    const attributes = this.#readAttributes();
    const element: XmlElement = { name, attributes, children: [], text: '', start, end: 0 };
    this.#open.at(-1)?.children.push(element);
    this.#open.push(element);
    if (this.#text.startsWith('/>', this.#at)) {
      this.#at += 2;
      this.#close(element);
    } else if (this.#text.charAt(this.#at) === '>') this.#at += 1;
    else throw this.#fault(`has an element ${quoted(name)} whose tag breaks off`);
  }

  #readEndTag(): void {
    const start = this.#at;
    this.#at += 2;
    const name = this.#readName('an end tag');
    this.#at += this.#stick(SPACES).length;
    const element = this.#open.at(-1);
    if (element?.name !== name) {
      const expected = element === undefined ? 'nothing is open' : `${quoted(element.name)} is open`;
      throw this.#fault(`closes ${quoted(name)} where ${expected}`, start);
    }
    if (this.#text.charAt(this.#at) !== '>')
      throw this.#fault(`has an end tag of ${quoted(name)} that breaks off`);
    this.#at += 1;
    this.#close(element);
  }

  #close(element: XmlElement): void {
    element.end = this.#at;
    this.#open.pop();
    if (this.#open.length === 0) this.#root = element;
  }

  #readAttributes(): ReadonlyMap<string, string> {
    if (this.#text.charAt(this.#at) === '>') return NO_ATTRIBUTES;
    const attributes = new Map<string, string>();
    for (;;) {
      const spaces = this.#stick(SPACES);
      this.#at += spaces.length;
      const next = this.#text.charAt(this.#at);
      if (next === '>' || next === '/' || next === '') return attributes;
      if (spaces === '') throw this.#fault('has no space before an attribute');
      const start = this.#at;
      const name = this.#readName('an attribute');
      if (attributes.has(name))
        throw this.#fault(`has the attribute ${quoted(name)} twice in an element`, start);
      attributes.set(name, this.#readValue(name));
    }
  }

  #readValue(name: string): string {
    this.#at += this.#stick(SPACES).length;
    const hasValue = this.#text.charAt(this.#at) === '=';
    this.#at += 1;
    this.#at += this.#stick(SPACES).length;
    const quote = this.#text.charAt(this.#at);
    if (!hasValue || (quote !== '"' && quote !== "'"))
      throw this.#fault(`has an attribute ${quoted(name)} without a value in quotes`);
    const start = this.#at + 1;
    const end = this.#text.indexOf(quote, start);
    if (end < 0) throw this.#fault(`has an attribute ${quoted(name)} that is not closed`);
    const raw = this.#text.slice(start, end);
    const less = raw.indexOf('<');
    if (less >= 0) throw this.#fault(`has a < in its attribute ${quoted(name)}`, start + less);
    this.#at = end + 1;
    return this.#decode(raw, start).replaceAll(/[\t\n]/g, ' ');
  }

  #addText(start: number, end: number): void {
    const raw = this.#text.slice(start, end);
    const element = this.#open.at(-1);
    if (element !== undefined) {
      element.text += this.#decode(raw, start);
      return;
    }
    const outside = raw.search(/[^ \t\r\n]/);
    if (outside >= 0) throw this.#fault('has text outside of its root element', start + outside);
  }

  #decode(raw: string, start: number): string {
    let reference = raw.indexOf('&');
    if (reference < 0) return newlines(raw);
    const pieces: string[] = [];
    let from = 0;
    while (reference >= 0) {
      const end = raw.indexOf(';', reference);
      const name = raw.slice(
        reference + 1,
        Math.min(end < 0 ? raw.length : end, reference + 1 + ENTITY_CHARS_MAX),
      );
      const character = end < 0 ? undefined : characterOf(name);
      if (character === undefined) {
        throw this.#fault(
          `has a & that begins no known entity (${quoted(name.slice(0, 12))})`,
          start + reference,
        );
      }
      pieces.push(newlines(raw.slice(from, reference)), character);
      from = end + 1;
      reference = raw.indexOf('&', from);
    }
    pieces.push(newlines(raw.slice(from)));
    return pieces.join('');
  }

  #readName(what: string): string {
    const name = this.#stick(NAME);
    if (name === '') throw this.#fault(`has ${what} without a name`);
    this.#at += name.length;
    return name;
  }

  /** What the pattern finds right here. */
  #stick(pattern: RegExp): string {
    pattern.lastIndex = this.#at;
    return pattern.exec(this.#text)?.[0] ?? '';
  }

  #fault(message: string, at = this.#at): XmlFault {
    return new XmlFault(message, at);
  }
}

/** XML 1.0, 2.11 */
function newlines(text: string): string {
  return text.includes('\r') ? text.replaceAll(/\r\n?/g, '\n') : text;
}

/** The character of a reference without its & and ; — undefined if there is none. */
function characterOf(reference: string): string | undefined {
  const number = /^#(?:x([0-9A-Fa-f]{1,6})|(\d{1,7}))$/.exec(reference);
  if (number === null) return Object.hasOwn(ENTITIES, reference) ? ENTITIES[reference] : undefined;
  const code = number[1] === undefined ? Number(number[2]) : Number.parseInt(number[1], 16);
  const isCharacter = code > 0 && code <= 0x10_ff_ff && !(code >= 0xd8_00 && code <= 0xdf_ff);
  return isCharacter ? String.fromCodePoint(code) : undefined;
}
