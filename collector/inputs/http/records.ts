import { isUtf8 } from 'node:buffer';
import { parseExactJson, TooManyObjectsError } from '../../exact-json.ts';
import type { Fields, RawRecord } from '../../outcome.ts';
import { UTF_8 } from '../../charset.ts';
import type { Charset } from '../../charset.ts';
import { describeJsonFault, elementTexts } from '../../json-text.ts';
import { HttpRefusal } from './refusal.ts';

/** How a body is cut into records: `lines` is NDJSON, `document` is one JSON document, or NDJSON that is not called so; `framed` as the input's framing says. */
export type BodyFormat = 'lines' | 'document' | 'framed';

/** One record of a body: its fields, or why it has none. `raw` makes its bytes, exactly as they were sent. */
export type ParsedRecord =
  { fields: Fields; reason?: never; raw(): Buffer } | { reason: string; raw(): Buffer };

/** Nothing is said by none, and nor by what `curl -d` says whatever it sends. */
const UNTOLD = new Set(['', 'application/x-www-form-urlencoded']);

/**
 * A record that is parsed; or one that is not yet, since it may be of use as the bytes that it is (`parse` throws a 400 where the body is nothing but
 * that record); or one for the input's decoder.
 */
export type BodyRecord =
  | (ParsedRecord & { line?: never; framed?: never })
  | { line: Buffer; framed?: never; parse(): ParsedRecord }
  | { framed: Pick<RawRecord, 'bytes' | 'header' | 'first'>; line?: never };

const FORMATS: Readonly<Record<string, BodyFormat>> = {
  'application/json': 'document',
  'text/json': 'document',
  'application/x-ndjson': 'lines',
  'application/ndjson': 'lines',
  'application/jsonl': 'lines',
  'application/x-jsonl': 'lines',
  'application/jsonlines': 'lines',
  'application/x-jsonlines': 'lines',
};

/**
 * Throws a 415 for a content type that we do not read.
 *
 * @param decoded how bodies are written that the input's decoder is for; undefined if it has none.
 */
export function parseContentType(header: string | undefined, decoded: Charset | undefined): BodyFormat {
  const [type = '', ...parameters] = (header ?? '').split(';').map((part) => part.trim().toLowerCase());
  const format = formatOf(type, decoded !== undefined);
  const charset = parameters.find((parameter) => parameter.startsWith('charset='));
  const name = charset?.slice('charset='.length).replace(/^"(.*)"$/, '$1');
  const expected = format === 'framed' ? decoded : undefined;
  if (name !== undefined && !(expected ?? UTF_8).isAlso(name)) {
    throw new HttpRefusal(415, `the body must be ${(expected ?? UTF_8).name.toUpperCase()}`);
  }
  return format;
}

function formatOf(type: string, hasDecoder: boolean): BodyFormat {
  const format = Object.hasOwn(FORMATS, type) ? FORMATS[type] : undefined;
  if (format !== undefined) return format;
  if (hasDecoder) return 'framed';
  if (UNTOLD.has(type)) return 'document';
  throw new HttpRefusal(
    415,
    `Content-Type may be application/json (an object or an array of objects) or application/x-ndjson (an object per line), not ${type}`,
  );
}

/** The text of a body, as bytes. Throws a 400 when it is empty or not UTF-8. */
export function textIn(body: Buffer): Buffer {
  // Buffer.toString would replace bad bytes without a word.
  if (!isUtf8(body)) throw new HttpRefusal(400, 'the body is not UTF-8');
  const hasMark = body[0] === 0xef && body[1] === 0xbb && body[2] === 0xbf;
  const text = hasMark ? body.subarray(3) : body;
  if (isBlank(text)) {
    throw new HttpRefusal(400, 'the body is empty: it must be a JSON object, an array of objects, or NDJSON');
  }
  return text;
}

/** The records of a body, in order; undefined where there is none for long, so that other work may have its turn. Throws a 400 that says where when it is one document and not JSON. */
export function cutRecords(
  body: Buffer,
  format: Exclude<BodyFormat, 'framed'>,
): Iterable<BodyRecord | undefined> {
  if (format === 'lines') return cutLines(body);
  // A single object need not be parsed if it can be taken as it stands.
  if (body[0] === OPENED && !body.includes(NEWLINE))
    return [{ line: body, parse: () => parseObject(body.toString()) }];
  const text = body.toString();
  const document = parseDocument(text, () => looksLikeLines(body));
  if (document === undefined) return cutLines(body);
  return Array.isArray(document) ? cutArray(document, text) : [recordOf(document, () => Buffer.from(text))];
}

function parseObject(text: string): ParsedRecord {
  return recordOf(
    parseDocument(text, () => false),
    () => Buffer.from(text),
  );
}

/** Undefined if it is no JSON but something else that is expected. Throws a 400 that says where it is not JSON. */
function parseDocument(text: string, isOther: () => boolean): unknown {
  try {
    return parseExactJson(text);
  } catch (error) {
    if (isOther()) return undefined;
    if (error instanceof TooManyObjectsError) {
      throw new HttpRefusal(413, `the body ${error.message}; send it as NDJSON, or in several requests`);
    }
    throw new HttpRefusal(400, `the body is not JSON: ${describeJsonFault(text)}`, { cause: error });
  }
}

function* cutArray(elements: readonly unknown[], text: string): Iterable<BodyRecord> {
  // Cut out of the text once, and only if an element becomes a dead letter.
  let texts: string[] | undefined;
  for (const [index, element] of elements.entries()) {
    yield recordOf(element, () => {
      texts ??= elementTexts(text);
      return Buffer.from(texts[index] ?? '');
    });
  }
}

function* cutLines(body: Buffer): Iterable<BodyRecord | undefined> {
  for (const found of linesOf(body)) {
    if (found === undefined) yield undefined;
    else yield { line: found.line, parse: () => lineRecord(found.line.toString(), found.number) };
  }
}

function lineRecord(line: string, number: number): ParsedRecord {
  const raw = () => Buffer.from(line);
  let value: unknown;
  try {
    value = parseExactJson(line);
  } catch (error) {
    if (error instanceof TooManyObjectsError) return { reason: error.message, raw };
    return { reason: `is not JSON: ${describeJsonFault(line, number)}`, raw };
  }
  return recordOf(value, raw);
}

function recordOf(value: unknown, raw: () => Buffer): ParsedRecord {
  return isObject(value) ? { fields: value, raw } : { reason: 'must be an object', raw };
}

/**
 * Lines that are not blank, by their numbers from 1 on. A body may be megabytes of line ends, which come as some KB of gzip: blank lines cost
 * no more than a look at their bytes, and now and then there is undefined among them.
 */
function* linesOf(body: Buffer): Iterable<{ line: Buffer; number: number } | undefined> {
  let [number, start, pausedAt] = [1, 0, 0];
  for (let at = 0; at < body.length; at += 1) {
    if (body[at] === NEWLINE) {
      number += 1;
      start = at + 1;
      if (start - pausedAt < BLANK_BYTES_MAX) continue;
      pausedAt = start;
      yield undefined;
    } else if (!isBlankByte(body[at])) {
      const newline = body.indexOf(NEWLINE, at);
      const end = newline === -1 ? body.length : newline;
      yield { line: body.subarray(start, end), number };
      // The newline comes next.
      at = end - 1;
      pausedAt = end;
    }
  }
}

/** So many of them are passed before others get their turn. */
const BLANK_BYTES_MAX = 1024 * 1024;

const [NEWLINE, OPENED] = [0x0a, 0x7b];

/**
 * Whether a text that is not JSON is meant to be NDJSON: its first line is an object and there are more. A document
 * with a fault somewhere has, but by chance, no such first line.
 */
function looksLikeLines(body: Buffer): boolean {
  let first: Buffer | undefined;
  for (const found of linesOf(body)) {
    if (found === undefined) continue;
    if (first !== undefined) return isObjectText(first.toString());
    first = found.line;
  }
  return false;
}

function isObjectText(text: string): boolean {
  try {
    return isObject(parseExactJson(text));
  } catch {
    return false;
  }
}

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isBlank(text: Buffer): boolean {
  // Not Buffer.every, which calls a function for each of what may be millions.
  for (let at = 0; at < text.length; at += 1) if (!isBlankByte(text[at])) return false;
  return true;
}

/** Space, tab, and what ends lines. */
function isBlankByte(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x09 || byte === 0x0d || byte === 0x0a;
}
