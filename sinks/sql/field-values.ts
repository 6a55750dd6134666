import { canonicalTimestamp } from '../../common/timestamp.ts';
import { STEP_FIELDS } from '../fields.ts';
import type { FieldKind } from '../fields.ts';

/**
 * Values of fields, checked before a store sees them: a store that reads `"infinity"` as a time or rounds a number says nothing. What passes
 * is kept as it is, to the last bit and microsecond.
 */

/** A column's value on its way to a store. Times are canonical texts (common/timestamp.ts), maps and steps are JSON. */
export type Value = string | number | boolean | null | Buffer;

/** Why a value cannot be kept, in words, and where within it: `.order_no`, `[2].started_at`, or '' for all of it. */
export class Trouble {
  readonly words: string;
  readonly path: string;

  constructor(words: string, path = '') {
    this.words = words;
    this.path = path;
  }
}

export interface Reading {
  /** Whether a text of the store can hold U+0000. */
  nulInText: boolean;
  /**
   * Mends what cannot be kept instead of refusing it. For dead letters, which nothing else would keep: their words are for people, and
   * the record itself is bytes.
   */
  lenient: boolean;
}

const NUL = '\u0000';
/** What stands for U+0000 in words for people: ␀. */
const SYMBOL_FOR_NUL = '\u2400';
const MISSING = new Trouble('is missing');

interface Reader {
  /** What a field that is not there is kept as. */
  absent: Value | Trouble;
  read: (value: unknown, reading: Reading) => Value | Trouble;
}

const READERS: Readonly<Record<FieldKind, Reader>> = {
  key: { absent: MISSING, read: (value, reading) => (value === '' ? MISSING : readText(value, reading)) },
  text: { absent: '', read: readText },
  time: { absent: MISSING, read: readTime },
  'time?': { absent: null, read: orNull(readTime) },
  integer: { absent: MISSING, read: readInteger },
  'integer?': { absent: null, read: orNull(readInteger) },
  'number?': { absent: null, read: orNull(readNumber) },
  boolean: { absent: false, read: readBoolean },
  map: { absent: '{}', read: readMap },
  steps: { absent: '[]', read: readSteps },
  bytes: { absent: MISSING, read: readBytes },
};

/** @param value as JSON.parse gives it; undefined if the row does not have the field. */
export function readValue(kind: FieldKind, value: unknown, reading: Reading): Value | Trouble {
  const { absent, read } = READERS[kind];
  return value === undefined ? absent : read(value, reading);
}

function orNull(read: (value: unknown) => Value | Trouble): Reader['read'] {
  return (value) => (value === null ? null : read(value));
}

function readText(value: unknown, reading: Reading): string | Trouble {
  if (typeof value !== 'string') {
    return reading.lenient ? readText(JSON.stringify(value), reading) : new Trouble('must be a text');
  }
  const formed = value.isWellFormed();
  const held = reading.nulInText || !value.includes(NUL);
  if (formed && held) return value;
  if (reading.lenient) {
    const mended = formed ? value : value.toWellFormed();
    return held ? mended : mended.replaceAll(NUL, SYMBOL_FOR_NUL);
  }
  return new Trouble(
    formed ? 'holds U+0000, which the store cannot keep in a text' : 'holds half a surrogate pair',
  );
}

function readTime(value: unknown): string | Trouble {
  const canonical = typeof value === 'string' ? canonicalTimestamp(value) : undefined;
  return canonical ?? new Trouble('must be a time with its zone, of the years 1900 to 2299');
}

function readInteger(value: unknown): number | Trouble {
  // A greater one was rounded when it was read.
  return Number.isSafeInteger(value) ? (value as number) : new Trouble('must be a whole number below 2^53');
}

function readNumber(value: unknown): number | Trouble {
  return Number.isFinite(value) ? (value as number) : new Trouble('must be a number');
}

function readBoolean(value: unknown): boolean | Trouble {
  return typeof value === 'boolean' ? value : new Trouble('must be true or false');
}

function readBytes(value: unknown): Buffer | Trouble {
  return typeof value === 'string' ? Buffer.from(value, 'base64') : new Trouble('must be base64');
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function readMap(value: unknown, reading: Reading): string | Trouble {
  if (!isObject(value)) {
    return reading.lenient
      ? readMap({ value: JSON.stringify(value) }, reading)
      : new Trouble('must be an object');
  }
  let mended: [string, string][] | undefined;
  for (const [key, inner] of Object.entries(value)) {
    const readKey = readText(key, reading);
    if (readKey instanceof Trouble) return new Trouble(`has a key that ${readKey.words}`);
    const readInner = readText(inner, reading);
    if (readInner instanceof Trouble) return new Trouble(readInner.words, `.${key}`);
    if (reading.lenient) (mended ??= []).push([readKey, readInner]);
  }
  return JSON.stringify(mended === undefined ? value : Object.fromEntries(mended));
}

function readSteps(value: unknown, reading: Reading): string | Trouble {
  if (!Array.isArray(value)) return new Trouble('must be a list');
  for (const [index, step] of value.entries()) {
    if (!isObject(step)) return new Trouble('must be an object', `[${index}]`);
    for (const [field, kind] of Object.entries(STEP_FIELDS)) {
      const read = readValue(kind, step[field], reading);
      if (read instanceof Trouble) return new Trouble(read.words, `[${index}].${field}`);
    }
  }
  return JSON.stringify(value);
}
