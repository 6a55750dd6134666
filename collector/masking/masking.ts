import type { DeadLetter } from '../../common/dead-letter.ts';
import { cutToBytes } from '../../common/text.ts';
import type { Charset } from '../charset.ts';
import { META_OF_RECORD } from '../outcome.ts';
import { withoutQuoted } from '../quoted.ts';
import type { MaskingConfig } from './config.ts';
import { createCover } from './cover.ts';
import type { Cover } from './cover.ts';
import { knownFinder, patternFinder } from './finders.ts';
import type { Finder } from './finders.ts';
import { maskPayload } from './payload-paths.ts';

/** Masks what an input's config says, before anything leaves the node. */
export interface Masking {
  /** Of a mapped record, before it is checked: what is cut there would be half a number that no pattern knows. */
  record(record: Readonly<Record<string, unknown>>): Record<string, unknown>;
  letter(letter: DeadLetter): DeadLetter;
}

/** Of an input without masking. */
export const NO_MASKING: Masking = { record: (record) => record, letter: (letter) => letter };

/** Says in a dead letter's meta that its record was left out of it. */
export const LEFT_OUT = { raw: 'left out' } as const;

const NOT_MASKED = '(left out, since it is neither JSON nor XML and could not be masked)';
const MAPS = ['business_keys', 'attributes'] as const;
const PATTERN_FIELDS = ['payload', 'error_message', ...MAPS];

interface PatternMask {
  find: Finder;
  cover: Cover;
  /** Of the standard log, or its maps; where it is looked for. */
  fields: ReadonlySet<string>;
}

/** @param isOpaque whether the decoder undoes an encoding of its own (base64), so that patterns find nothing in the record as it is written. */
export function createMasking(config: MaskingConfig, charset: Charset, isOpaque: boolean): Masking {
  const { hash_key, payload_bytes_max } = config;
  const fields = new Map(config.fields.map((mask) => [mask.field, createCover(mask, hash_key)]));
  const paths = config.payload.map((mask) => ({
    path: mask.path.split('.'),
    cover: createCover(mask, hash_key),
  }));
  const patterns = config.patterns.map((mask): PatternMask => ({
    find: mask.known === undefined ? patternFinder(mask.pattern ?? '') : knownFinder(mask.known),
    cover: createCover(mask, hash_key),
    fields: new Set(mask.fields ?? PATTERN_FIELDS),
  }));
  const masksPlaces = fields.size > 0 || paths.length > 0;
  const masksAny = masksPlaces || patterns.length > 0;
  const keepsNone = (config.dead_letters ?? (masksPlaces || isOpaque ? 'none' : 'patterns')) === 'none';

  function maskText(field: string, map: string, text: string): string {
    const cover = fields.get(field);
    if (cover !== undefined) return cover(text);
    const isPayload = field === 'payload' && paths.length > 0;
    const pathed = isPayload ? (maskPayload(text, paths) ?? NOT_MASKED) : text;
    const masked = coverFound(
      pathed,
      patterns.filter((mask) => mask.fields.has(field) || mask.fields.has(map)),
    );
    return field === 'payload' && payload_bytes_max !== undefined
      ? cutToBytes(masked, payload_bytes_max)
      : masked;
  }

  /** Numbers too: a card's number may be written as one. What is neither is for the check to refuse. */
  function maskValue(field: string, map: string, value: unknown): unknown {
    if (typeof value === 'string') return maskText(field, map, value);
    if (typeof value !== 'number') return value;
    const masked = maskText(field, map, String(value));
    return masked === String(value) ? value : masked;
  }

  function maskMap(map: string, values: unknown): unknown {
    // What is no object, lists among it, is for the check to refuse.
    if (typeof values !== 'object' || values === null || Array.isArray(values)) return values;
    // Entries keep an own key named __proto__ a key.
    return Object.fromEntries(
      Object.entries(values).map(([name, value]) => [name, maskValue(`${map}.${name}`, map, value)]),
    );
  }

  return {
    record: (record) =>
      Object.fromEntries(
        Object.entries(record).map(([field, value]) => [
          field,
          (MAPS as readonly string[]).includes(field) ? maskMap(field, value) : maskValue(field, '', value),
        ]),
      ),
    letter: (letter) => {
      if (keepsNone) return withoutRecord(letter);
      return masksAny ? withPatterns(letter, patterns, charset) : letter;
    },
  };
}

function coverFound(text: string, masks: readonly PatternMask[]): string {
  let masked = text;
  for (const { find, cover } of masks) {
    const found = find(masked);
    if (found.length === 0) continue;
    let covered = '';
    let at = 0;
    for (const { start, end, plain } of found) {
      covered += masked.slice(at, start) + cover(masked.slice(start, end), plain);
      at = end;
    }
    masked = covered + masked.slice(at);
  }
  return masked;
}

function withoutRecord({ meta, ...letter }: DeadLetter): DeadLetter {
  const known = Object.entries(meta).filter(([name]) => name !== HEADER && !isOfRecord(name));
  const reason = withoutQuoted(letter.reason);
  return { ...letter, reason, raw_base64: '', meta: { ...Object.fromEntries(known), ...LEFT_OUT } };
}

/** What a reason quotes goes, whatever the patterns are: it may be cut, and half of a number is found by none. */
function withPatterns(letter: DeadLetter, masks: readonly PatternMask[], charset: Charset): DeadLetter {
  const mask = (base64: string) =>
    maskBytes(Buffer.from(base64, 'base64'), masks, charset).toString('base64');
  const maskMeta = ([name, value]: [string, string]): [string, string] => {
    if (name === HEADER) return [name, mask(value)];
    return [name, isOfRecord(name) ? coverFound(value, masks) : value];
  };
  return {
    ...letter,
    reason: coverFound(withoutQuoted(letter.reason), masks),
    raw_base64: mask(letter.raw_base64),
    meta: Object.fromEntries(Object.entries(letter.meta).map(maskMeta)),
  };
}

const HEADER = 'header_base64';

function isOfRecord(metaName: string): boolean {
  return metaName.startsWith(`${META_OF_RECORD}.`);
}

function maskBytes(bytes: Buffer, masks: readonly PatternMask[], charset: Charset): Buffer {
  const text = charset.decode(bytes);
  // Bytes that are no text are looked at one by one, so that all of them stay but for what is found.
  const isBytewise = text === undefined && charset.isAsciiBased;
  const shown = text ?? (isBytewise ? bytes.toString('latin1') : charset.show(bytes));
  const masked = coverFound(shown, masks);
  if (masked === shown) return bytes;
  return isBytewise ? Buffer.from(masked, 'latin1') : charset.encode(masked);
}
