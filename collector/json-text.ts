/** What JSON.parse does not tell: where a text stops being JSON, and the very text of an array's elements. */

/**
 * Where a text breaks, in words for whoever sent it: `unexpected '}' at line 1, column 6`. Empty if it is JSON.
 *
 * @param firstLine number of the text's first line, if it is a part of something.
 */
export function describeJsonFault(text: string, firstLine = 1): string {
  const fault = findJsonFault(text);
  if (fault === undefined) return '';
  let [line, lineStart] = [firstLine, 0];
  // A look at each character, since before the fault there may be millions of lines, each of which would be a text.
  for (let at = 0; at < fault; at += 1) {
    if (text.charCodeAt(at) !== 0x0a) continue;
    line += 1;
    lineStart = at + 1;
  }
  const column = fault - lineStart + 1;
  const char = text.codePointAt(fault);
  const what = char === undefined ? 'unexpected end' : `unexpected ${nameOf(String.fromCodePoint(char))}`;
  return `${what} at line ${line}, column ${column}`;
}

function nameOf(char: string): string {
  // Characters that nobody sees, or that would end the quotes.
  return /[\p{C}\p{Z}'"]/u.test(char) ? `character ${JSON.stringify(char)}` : `'${char}'`;
}

type Expected = 'value' | 'value or ]' | 'key' | 'key or }' | 'colon' | 'comma or end';

/**
 * Index of the first character that cannot stand where it stands in JSON (RFC 8259), the text's length if it ends too
 * early, undefined if it is JSON. Not recursive: texts may be nested deeper than a stack is.
 */
export function findJsonFault(text: string): number | undefined {
  const open: ('{' | '[')[] = [];
  let expected: Expected = 'value';
  let at = 0;
  for (;;) {
    at = skipSpace(text, at);
    const char = text[at];
    if (expected === 'comma or end' && open.length === 0) return char === undefined ? undefined : at;
    if (char === undefined) return at;
    const start = at;
    at += 1;
    if (expected === 'comma or end') {
      if (char === ',') expected = open.at(-1) === '{' ? 'key' : 'value';
      else if (char === closing(open.at(-1))) open.pop();
      else return start;
    } else if (expected === 'colon') {
      if (char !== ':') return start;
      expected = 'value';
    } else if ((expected === 'value or ]' && char === ']') || (expected === 'key or }' && char === '}')) {
      open.pop();
      expected = 'comma or end';
    } else if (expected === 'key' || expected === 'key or }') {
      if (char !== '"') return start;
      const end = skipString(text, start);
      if (end.fault) return end.at;
      at = end.at;
      expected = 'colon';
    } else if (char === '{' || char === '[') {
      open.push(char);
      expected = char === '{' ? 'key or }' : 'value or ]';
    } else {
      const end = char === '"' ? skipString(text, start) : skipWord(text, start);
      if (end.fault) return end.at;
      at = end.at;
      expected = 'comma or end';
    }
  }
}

function closing(opening: '{' | '[' | undefined): string {
  return opening === '{' ? '}' : ']';
}

function skipSpace(text: string, from: number): number {
  let at = from;
  while (isSpace(text.charCodeAt(at))) at += 1;
  return at;
}

function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09;
}

/** Where a token ends, or where it breaks. */
interface TokenEnd {
  at: number;
  fault: boolean;
}

const ESCAPE = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;

function skipString(text: string, quote: number): TokenEnd {
  let at = quote + 1;
  for (;;) {
    const code = text.charCodeAt(at);
    if (code === 0x22) return { at: at + 1, fault: false };
    // NaN, beyond the end, is not below 0x20.
    if (at >= text.length || code < 0x20) return { at, fault: true };
    if (code === 0x5c) {
      ESCAPE.lastIndex = at;
      const escape = ESCAPE.exec(text);
      if (escape === null) return { at, fault: true };
      at += escape[0].length;
    } else {
      at += 1;
    }
  }
}

const WORD = /true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;

function skipWord(text: string, start: number): TokenEnd {
  WORD.lastIndex = start;
  const word = WORD.exec(text);
  return word === null ? { at: start, fault: true } : { at: start + word[0].length, fault: false };
}

/** The elements of a text that is a JSON array, each as it was written: numbers keep their digits, keys their order. */
export function elementTexts(text: string): string[] {
  const elements: string[] = [];
  let depth = 0;
  let start = 0;
  for (let at = 0; at < text.length; at += 1) {
    const char = text[at];
    if (char === '"') {
      at = skipString(text, at).at - 1;
    } else if (char === '[' || char === '{') {
      depth += 1;
      if (depth === 1) start = at + 1;
    } else if (char === ']' || char === '}' || (char === ',' && depth === 1)) {
      if (depth === 1) {
        const element = text.slice(start, at).trim();
        // Only an empty array has an empty element.
        if (element !== '') elements.push(element);
        start = at + 1;
      }
      if (char !== ',') depth -= 1;
    }
  }
  return elements;
}
