import { isAscii, isUtf8 } from 'node:buffer';
import iconv from 'iconv-lite';
import * as v from 'valibot';

/** How bytes are read as text, and what becomes of bytes that are no text. */
export interface Charset {
  /** As the config names it. */
  readonly name: string;
  readonly onBadBytes: OnBadBytes;
  /** The text; undefined when the bytes are none, unless bad bytes are to be replaced (by U+FFFD). */
  decode(bytes: Buffer): string | undefined;
  /** The text whatever the bytes are, bad ones replaced: for looking at it, not for keeping it. */
  show(bytes: Buffer): string;
  /** How the text is written in this encoding. */
  encode(text: string): Buffer;
  /** The byte order mark that a source may begin with; empty if the encoding has none. */
  readonly mark: Buffer;
  readonly isUtf8: boolean;
  /** Whether another name is one of this encoding's, or of one that is a part of it. */
  isAlso(name: string): boolean;
  /** Whether ASCII characters are the bytes that they are in ASCII. They are not in UTF-16. */
  readonly isAsciiBased: boolean;
}

/** Known to iconv-lite, but no way to write text; or with a state or an order of bytes that a single record does not show. */
const NOT_FOR_RECORDS = new Set(['base64', 'hex', 'utf7', 'utf7imap', 'internal', 'table', 'dbcs', 'sbcs']);
const NEEDS_ORDER = new Set(['utf16', 'utf32']);

/** Letters and digits decide, as they do in iconv-lite: `EUC-KR` is `euckr`. */
const plainName = (name: string) => name.toLowerCase().replaceAll(/[^a-z0-9]/g, '');

export const encodingSchema = v.pipe(
  v.string('must be the name of an encoding, like utf-8, cp949 or shift_jis'),
  v.check(
    (name) => !NEEDS_ORDER.has(plainName(name)),
    'must say the order of its bytes, like utf-16le or utf-16be',
  ),
  v.check(
    (name) =>
      NEEDS_ORDER.has(plainName(name)) ||
      (!NOT_FOR_RECORDS.has(plainName(name)) && iconv.encodingExists(name)),
    'is not an encoding that is known here, like utf-8, utf-16le, cp949, shift_jis or latin1',
  ),
);

/** Settings of inputs whose records are bytes. */
export const charsetEntries = {
  encoding: v.optional(
    v.pipe(
      encodingSchema,
      v.description(
        'How text is written in the source: `utf-8`, `utf-16le`, `utf-16be`, `cp949` (also called `euc-kr`), `shift_jis`, `latin1`, or any other that iconv-lite knows. A byte order mark at the beginning is dropped.',
      ),
    ),
    'utf-8',
  ),
  on_bad_bytes: v.optional(
    v.pipe(
      v.picklist(['dead-letter', 'replace'], 'must be dead-letter or replace'),
      v.description(
        'What becomes of a record with bytes that are not in the encoding: the whole record is kept as a dead letter, or `replace` puts U+FFFD in their place and loses them.',
      ),
    ),
    'dead-letter',
  ),
};
export type OnBadBytes = 'dead-letter' | 'replace';

/** @param name an encoding that `encodingSchema` has passed. */
export function createCharset(name = 'utf-8', onBadBytes: OnBadBytes = 'dead-letter'): Charset {
  const reader = readerOf(name);
  const isAsciiBased = iconv.encode('\n', name).length === 1;
  return {
    name,
    onBadBytes,
    decode: onBadBytes === 'replace' ? reader.lenient : reader.strict,
    show: reader.lenient,
    encode: (text) => iconv.encode(text, name),
    mark: markOf(name),
    isUtf8: plainName(name) === 'utf8',
    isAlso: (other) =>
      iconv.encodingExists(other) &&
      (iconv.getCodec(other) === iconv.getCodec(name) || (isAsciiName(other) && isAsciiBased)),
    isAsciiBased,
  };
}

const isAsciiName = (name: string) => /^(?:us)?ascii$/.test(plainName(name));

interface Reader {
  /** Undefined if the bytes are no text. */
  readonly strict: (bytes: Buffer) => string | undefined;
  readonly lenient: (bytes: Buffer) => string;
}

function readerOf(name: string): Reader {
  const plain = plainName(name);
  if (plain === 'utf8') return utf8;
  return plain === 'utf16le' || plain === 'utf16be' || plain === 'ucs2' ? utf16(name) : tableReader(name);
}

const utf8: Reader = {
  // Buffer.toString would replace bad bytes without a word.
  strict: (bytes) => (isUtf8(bytes) ? bytes.toString() : undefined),
  lenient: (bytes) => bytes.toString(),
};

function utf16(name: string): Reader {
  return {
    strict: (bytes) => {
      const text = bytes.length % 2 === 0 ? decode(bytes, name) : '\uD800';
      // Half of a pair alone, or what a mark in the other order looks like.
      return text.isWellFormed() && !text.startsWith('\uFFFE') ? text : undefined;
    },
    lenient: (bytes) => {
      const text = decode(bytes.subarray(0, bytes.length - (bytes.length % 2)), name).toWellFormed();
      return bytes.length % 2 === 0 ? text : `${text}\uFFFD`;
    },
  };
}

const ASCII = Buffer.from(Array.from({ length: 128 }, (_, byte) => byte));

function tableReader(name: string): Reader {
  const lenient = (bytes: Buffer) => decode(bytes, name);
  // Most of what nodes write is ASCII, which needs no table where all of it means the same.
  const holdsAscii = decode(ASCII, name) === ASCII.toString('latin1');
  return {
    lenient,
    strict: (bytes) => {
      if (holdsAscii && isAscii(bytes)) return bytes.toString('latin1');
      const text = decode(bytes, name);
      // Some encodings can write U+FFFD itself; then it is what the bytes say.
      return !text.includes('\uFFFD') || iconv.encode(text, name).equals(bytes) ? text : undefined;
    },
  };
}

function decode(bytes: Buffer, name: string): string {
  return iconv.decode(bytes, name, { stripBOM: false });
}

function markOf(name: string): Buffer {
  return /^(?:utf|ucs)/.test(plainName(name))
    ? iconv.encode('\uFEFF', name, { addBOM: false })
    : Buffer.alloc(0);
}

export const UTF_8 = createCharset();
