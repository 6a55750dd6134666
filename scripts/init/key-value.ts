import { readPairs } from '../../collector/decoders/pairs.ts';
import { shareOf } from './sample.ts';
import type { Shape } from './shape.ts';

const PAIR_SEPARATORS = [' ', ';', '|', ', ', ',', '\t', '&'];
const KEY_SEPARATORS = ['=', ':'];
const KEY = /^[\p{L}_@][\p{L}\p{N}_.@-]{0,60}$/u;
const SHARE = 0.9;
/** So many keys must be in nearly all records, so that a text with a `=` in it is not taken for pairs. */
const COMMON_KEYS_MIN = 2;

interface Format {
  pair_separator: string;
  key_separator: string;
}

/** Pairs in any order. Of all separators the ones that give the most pairs whose values hold no further pair. */
export function guessKeyValue(records: readonly string[]): Shape | undefined {
  const formats = PAIR_SEPARATORS.flatMap((pair) =>
    KEY_SEPARATORS.map((key) => ({ pair_separator: pair, key_separator: key })),
  );
  const best = formats
    .map((format) => ({ format, ...read(records, format) }))
    .filter(({ common, share }) => common.length >= COMMON_KEYS_MIN && share >= SHARE)
    .sort((a, b) => b.common.length - a.common.length)[0];
  if (best === undefined) return undefined;
  const { pair_separator, key_separator } = best.format;
  return {
    decoder: {
      type: 'key-value',
      ...(pair_separator === ' ' ? {} : { pair_separator }),
      ...(key_separator === '=' ? {} : { key_separator }),
    },
    decoderWhy: `its lines are pairs: ${best.common.slice(0, 6).join(', ')}${best.common.length > 6 ? ' …' : ''}`,
  };
}

/** Keys of nearly all records, and the share of records that are nothing but pairs. */
function read(records: readonly string[], format: Format): { common: string[]; share: number } {
  const rows = records.map((record) =>
    clean(readPairs(record, { ...format, quotes: '"', bare: 'text' }), format),
  );
  const keys = new Set(rows.flatMap((row) => row ?? []));
  return {
    common: [...keys].filter((key) => shareOf(rows, (row) => row?.includes(key) === true) >= SHARE),
    share: shareOf(rows, (row) => row !== undefined),
  };
}

/** The record's keys; undefined if it is something else. */
function clean(fields: Record<string, unknown> | string, { key_separator }: Format): string[] | undefined {
  if (typeof fields === 'string') return undefined;
  const { text: bare = '', ...pairs } = fields;
  const entries = Object.entries(pairs);
  const isClean = entries.every(
    ([key, value]) =>
      KEY.test(key) && (key_separator !== '=' || !/(?:^|[\s;|,&])[\w.]+=/.test(String(value))),
  );
  const paired = entries.reduce((sum, [key, value]) => sum + key.length + String(value).length, 0);
  return isClean && paired >= String(bare).length ? entries.map(([key]) => key) : undefined;
}
