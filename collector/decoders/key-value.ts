import * as v from 'valibot';
import { notText } from './decoder.ts';
import type { DecoderComponent } from './decoder.ts';
import { readPairs } from './pairs.ts';

const separator = (description: string) =>
  v.pipe(
    v.string('must be a text'),
    v.minLength(1, 'must have at least one character'),
    v.maxLength(8, 'must have at most 8 characters'),
    v.description(description),
  );

const entries = v.strictObject({
  type: v.literal('key-value'),
  pair_separator: v.optional(
    separator(
      'What stands between two pairs: a space stands for any number of spaces and tabs; `;`, `|`, `", "`.',
    ),
    ' ',
  ),
  key_separator: v.optional(separator('What stands between a key and its value: `=`, `:`, `": "`.'), '='),
  quotes: v.optional(
    v.pipe(
      v.string('must be a text'),
      v.maxLength(4, 'must have at most 4 characters'),
      v.description(
        'Characters that may enclose a value, or a key; in quotes `\\"`, `\\\\`, `\\n`, `\\r` and `\\t` are what they are in JSON, and two quotes are one. Empty if quotes mean nothing.',
      ),
    ),
    '"',
  ),
  bare: v.optional(
    v.pipe(
      v.picklist(['text', 'flag', 'refuse'], 'must be text, flag or refuse'),
      v.description(
        'What becomes of words that are no pair: together they are the field `text`; each is a field that is `true`, as logfmt has it; or the record becomes a dead letter.',
      ),
    ),
    'text',
  ),
});
const config = v.pipe(
  entries,
  v.check(
    ({ pair_separator, key_separator }) => pair_separator !== key_separator,
    'has the same `pair_separator` and `key_separator`',
  ),
  v.check(({ quotes, pair_separator, key_separator }) => {
    const separators = pair_separator + key_separator;
    return ![...quotes.matchAll(/[^]/g)].some(([quote]) => separators.includes(quote));
  }, 'has a quote that is part of a separator'),
);
type KeyValueConfig = v.InferOutput<typeof config>;

/** Pairs in any order: `txn=T1 step=send msg="sent to hub"`. A key that comes again makes a list of its values. */
export const keyValueDecoder = {
  type: 'key-value',
  summary:
    'Each record is a line of pairs like `txn=T1 msg="sent to hub"` (logfmt), with separators of your own if need be. A key that stands there several times has a list of its values.',
  example: "decoder: { type: key-value, pair_separator: ';', key_separator: ':' }",
  config,
  create: (settings, { charset }) => ({
    decode: ({ bytes }) => {
      const text = charset.decode(bytes);
      if (text === undefined) return { error: notText(charset) };
      const fields = readPairs(text, settings);
      return typeof fields === 'string' ? { error: fields } : { fields: [fields] };
    },
  }),
} satisfies DecoderComponent<KeyValueConfig>;
