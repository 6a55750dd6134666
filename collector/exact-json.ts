/**
 * JSON.parse that keeps numbers which a double cannot hold: a number at or beyond 2^53 becomes the text that stands there, digit
 * for digit. Order numbers and ids are written as numbers, and a digit that was rounded away would name another order.
 */

/** Deeper levels are looked at in the text, lest the stack ends. */
const DEPTH_MAX = 100;

/** Throws JSON.parse's SyntaxError when the text is not JSON. */
export function parseExactJson(text: string): unknown {
  const value: unknown = JSON.parse(text);
  return mayBeInexact(value, 0) ? JSON.parse(quoteLargeNumbers(text)) : value;
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

/** Behind the string's closing quote. */
function endOfString(text: string, start: number): number {
  let end = text.indexOf('"', start + 1);
  while (isEscaped(text, end)) end = text.indexOf('"', end + 1);
  return end + 1;
}

function isEscaped(text: string, at: number): boolean {
  let backslashes = 0;
  while (text[at - 1 - backslashes] === '\\') backslashes += 1;
  return backslashes % 2 === 1;
}
