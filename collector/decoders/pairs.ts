import type { Fields } from '../outcome.ts';
import { quoted } from '../quoted.ts';
import { addValue, noFields } from './decoder.ts';

/** A line of keys and values. */

export interface PairFormat {
  pair_separator: string;
  key_separator: string;
  quotes: string;
  bare: 'text' | 'flag' | 'refuse';
}

/** What was read of a key or a value, and where it ends. */
interface Token {
  text: string;
  end: number;
}

/** The fields, or in words why there are none. */
export function readPairs(text: string, format: PairFormat): Fields | string {
  const { pair_separator, key_separator, bare } = format;
  const fields = noFields();
  const words: string[] = [];
  let at = skipSpaces(text, 0, pair_separator);
  while (at < text.length) {
    const key = readToken(text, at, format, key_separator);
    if (key === undefined) return notClosed(at);
    at = key.end;
    if (text.startsWith(key_separator, at)) {
      if (key.text === '') return `has a value without a key at character ${at + 1}`;
      const start = skipSpaces(text, at + key_separator.length, pair_separator, true);
      const value = readToken(text, start, format);
      if (value === undefined) return notClosed(start);
      addValue(fields, key.text, value.text);
      at = value.end;
    } else if (key.text !== '') {
      if (bare === 'refuse') return `has ${quoted(key.text)}, which is no pair`;
      if (bare === 'flag') addValue(fields, key.text, 'true');
      else words.push(key.text);
    }
    if (text.startsWith(pair_separator, at)) at += pair_separator.length;
    else if (at < text.length && !isSpace(text.charAt(at)))
      return `has something behind the quote at character ${at}`;
    at = skipSpaces(text, at, pair_separator);
  }
  if (words.length > 0) addValue(fields, 'text', words.join(' '));
  return Object.keys(fields).length === 0 ? 'has no pairs' : fields;
}

function notClosed(start: number): string {
  return `has a quote at character ${start + 1} that is not closed`;
}

/** Up to the end of the pair, or to what stands before its value; or in quotes, and undefined if these are not closed. */
function readToken(text: string, start: number, format: PairFormat, before?: string): Token | undefined {
  const quote = text.charAt(start);
  if (quote !== '' && format.quotes.includes(quote)) return readQuoted(text, start + 1, quote);
  const end = indexOfEnd(text, format.pair_separator, start);
  const pair = text.slice(start, end < 0 ? text.length : end);
  const separator = before === undefined ? -1 : pair.indexOf(before);
  const token = separator < 0 ? pair : pair.slice(0, separator);
  return { text: token.trim(), end: start + token.length };
}

/** A space stands for tabs too. */
function indexOfEnd(text: string, end: string, from: number): number {
  if (end !== ' ') return text.indexOf(end, from);
  let at = from;
  while (at < text.length && !isSpace(text.charAt(at))) at += 1;
  return at;
}

const BACKSLASH = '\\'.charCodeAt(0);
const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', '\\': '\\' };

/** @param start behind the opening quote. */
function readQuoted(text: string, start: number, quote: string): Token | undefined {
  const pieces: string[] = [];
  const quoteCode = quote.charCodeAt(0);
  let from = start;
  for (let at = start; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code !== quoteCode && code !== BACKSLASH) continue;
    const char = text.charAt(at);
    if (char === quote && text.charAt(at + 1) !== quote) {
      pieces.push(text.slice(from, at));
      return { text: pieces.join(''), end: at + 1 };
    }
    const next = text.charAt(at + 1);
    const escaped = char === quote || (char === '\\' && next === quote) ? quote : ESCAPES[next];
    if (escaped === undefined) continue;
    pieces.push(text.slice(from, at), escaped);
    at += 1;
    from = at + 1;
  }
  return undefined;
}

function isSpace(char: string): boolean {
  return char === ' ' || char === '\t' || char === '\n' || char === '\r';
}

/**
 * Spaces around pairs mean nothing.
 *
 * @param inPair in a pair a space may be what ends it, and an empty value is one.
 */
function skipSpaces(text: string, from: number, pairSeparator: string, inPair = false): number {
  if (inPair && pairSeparator.startsWith(' ')) return from;
  const isSeparator = (at: number) => pairSeparator !== ' ' && text.startsWith(pairSeparator, at);
  let at = from;
  while (at < text.length && isSpace(text.charAt(at)) && !isSeparator(at)) at += 1;
  return at;
}
