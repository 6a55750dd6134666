/**
 * JSON.parse that keeps numbers which a double cannot hold: a number at or beyond 2^53 becomes the text that stands there, digit
 * for digit. Order numbers and ids are written as numbers, and a digit that was rounded away would name another order.
 */

/** Deeper levels are looked at in the text, lest the stack ends. */
const DEPTH_MAX = 100;

/**
 * So many objects and lists a text may hold. JSON.parse takes about a microsecond for each, and as much memory as 50 times the two bytes
 * that an empty one is: a text of nothing else would stop everything for seconds, and comes as some KB of gzip.
 */
export const JSON_OBJECTS_MAX = 1_000_000;

/** Thrown before anything of such a text is parsed. A RangeError as those are that come of texts which are nested too deep. */
export class TooManyObjectsError extends RangeError {
  constructor() {
    super(`has more than ${JSON_OBJECTS_MAX} objects and lists`);
  }
}

/** Throws JSON.parse's SyntaxError when the text is not JSON, and a TooManyObjectsError. */
export function parseExactJson(text: string): unknown {
  if (text.length > JSON_OBJECTS_MAX && holdsTooMany(text)) throw new TooManyObjectsError();
  const value: unknown = JSON.parse(text);
  return mayBeInexact(value, 0) ? JSON.parse(quoteLargeNumbers(text)) : value;
}

/** @param text any one. */
function holdsTooMany(text: string): boolean {
  // A look at what may stand in strings as well is enough for nearly every text, and quick.
  if (countUpTo(JSON_OBJECTS_MAX, text) <= JSON_OBJECTS_MAX) return false;
  let count = 0;
  let at = 0;
  while (at < text.length && count <= JSON_OBJECTS_MAX) {
    const quote = text.indexOf('"', at);
    const gapEnd = quote < 0 ? text.length : quote;
    count += countUpTo(JSON_OBJECTS_MAX, text.slice(at, gapEnd));
    at = quote < 0 ? text.length : endOfString(text, quote);
  }
  return count > JSON_OBJECTS_MAX;
}

/** Brackets that open, and no more than one beyond the bound. */
function countUpTo(max: number, text: string): number {
  let count = 0;
  for (const bracket of ['[', '{']) {
    let at = text.indexOf(bracket);
    while (at >= 0 && count <= max) {
      count += 1;
      at = text.indexOf(bracket, at + 1);
    }
  }
  return count;
}

function mayBeInexact(value: unknown, depth: number): boolean {
  if (typeof value === 'number') return isLarge(value);
  if (typeof value !== 'object' || value === null) return false;
  if (depth > DEPTH_MAX) return true;
  // The fastest way over them all: JSON.parse makes own enumerable properties only.
  // oxlint-disable-next-line guard-for-in
  for (const key in value) {
    const part = (value as Record<string, unknown>)[key];
    if (
      typeof part === 'number' ? isLarge(part) : typeof part === 'object' && mayBeInexact(part, depth + 1)
    ) {
      return true;
    }
  }
  return false;
}

function isLarge(value: number): boolean {
  return value > Number.MAX_SAFE_INTEGER || value < -Number.MAX_SAFE_INTEGER;
}

/** @param text valid JSON. */
function quoteLargeNumbers(text: string): string {
  const parts: string[] = [];
  let at = 0;
  while (at < text.length) {
    const quote = text.indexOf('"', at);
    const gapEnd = quote < 0 ? text.length : quote;
    parts.push(text.slice(at, gapEnd).replaceAll(/-?\d[\d.eE+-]*/g, quoteIfLarge));
    at = quote < 0 ? text.length : endOfString(text, quote);
    parts.push(text.slice(gapEnd, at));
  }
  return parts.join('');
}

function quoteIfLarge(number: string): string {
  return isLarge(Number(number)) ? `"${number}"` : number;
}

/** Behind the string's closing quote; the text's end if there is none. */
function endOfString(text: string, start: number): number {
  let end = text.indexOf('"', start + 1);
  while (end >= 0 && isEscaped(text, end)) end = text.indexOf('"', end + 1);
  return end < 0 ? text.length : end + 1;
}

function isEscaped(text: string, at: number): boolean {
  let backslashes = 0;
  while (text[at - 1 - backslashes] === '\\') backslashes += 1;
  return backslashes % 2 === 1;
}
