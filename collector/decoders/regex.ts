import * as v from 'valibot';
import type { Fields } from '../outcome.ts';
import { noFields, notText } from './decoder.ts';
import type { DecoderComponent } from './decoder.ts';
import { compileGrok } from './grok.ts';
import type { Grok } from './grok.ts';

const PATTERNS_MAX = 100;

const pattern = v.pipe(v.string('must be a pattern'), v.nonEmpty('must not be empty'));

const entries = v.strictObject({
  type: v.literal('regex'),
  patterns: v.pipe(
    v.union([pattern, v.array(pattern)], 'must be a pattern, or a list of patterns'),
    v.transform((given) => [given].flat()),
    v.minLength(1, 'must have at least one pattern'),
    v.maxLength(PATTERNS_MAX, `must have at most ${PATTERNS_MAX} patterns`),
    v.description(
      'Pattern (RE2) whose named groups `(?<name>…)` are the fields, or a list of which the first that is found in the record counts; `^` and `$` tie it to the ends of the record, `(?s)` lets `.` be a newline too. `%{NAME:field}` stands for a piece of the grok table or of `pieces`.',
    ),
  ),
  pieces: v.optional(
    v.pipe(
      v.record(
        v.pipe(v.string(), v.regex(/^\w+$/, 'must be a name of letters, digits and _')),
        pattern,
        'must be an object of patterns',
      ),
      v.description('Pieces of your own for `%{NAME}` and `%{NAME:field}`; they may hold others.'),
    ),
    {},
  ),
});
const config = v.pipe(
  entries,
  v.rawCheck(({ dataset, addIssue }) => {
    if (!dataset.typed) return;
    const { patterns, pieces } = dataset.value;
    patterns.forEach((text, index) => {
      const compiled = compileGrok(text, pieces);
      const which =
        patterns.length === 1 ? 'has a pattern' : `has a pattern (the ${index + 1}. of ${patterns.length})`;
      if (typeof compiled === 'string') addIssue({ message: `${which} that cannot be used: ${compiled}` });
    });
  }),
);
type RegexConfig = v.InferOutput<typeof entries>;

/** Free text whose fields stand at places that a pattern can find. */
export const regexDecoder = {
  type: 'regex',
  summary:
    'The named groups of a pattern are the fields; those that found nothing are left out. Patterns are RE2: as fast as the record is long whatever they are, without looking ahead or back. Pieces like `%{TIMESTAMP_ISO8601:time}` are those that grok has.',
  example: String.raw`decoder:
  type: regex
  patterns: '^%{TIMESTAMP_ISO8601:time} \[%{DATA:thread}\] %{LOGLEVEL:level} (?<txn>[A-Z]\d+) %{GREEDYDATA:text}'`,
  config,
  create: ({ patterns, pieces }, { charset }) => {
    const groks = patterns.map((text) => usable(text, pieces));
    return {
      decode: ({ bytes }) => {
        const text = charset.decode(bytes);
        if (text === undefined) return { error: notText(charset) };
        for (const grok of groks) {
          const fields = match(text, grok);
          if (fields !== undefined) return { fields: [fields] };
        }
        return { error: groks.length === 1 ? 'does not match the pattern' : 'matches none of the patterns' };
      },
    };
  },
} satisfies DecoderComponent<RegexConfig>;

function usable(text: string, pieces: RegexConfig['pieces']): Grok {
  const compiled = compileGrok(text, pieces);
  if (typeof compiled === 'string') throw new TypeError(`${text} cannot be used: ${compiled}`);
  return compiled;
}

/** Undefined if it is not found, or finds nothing but empty texts. */
function match(text: string, { regex, names }: Grok): Fields | undefined {
  const matcher = regex.matcher(text);
  if (!matcher.find()) return undefined;
  const fields = noFields();
  for (const [group, name] of names) {
    const value = matcher.group(group);
    // Two groups of one name are two places where it may stand.
    if (value !== null && value !== '' && fields[name] === undefined) fields[name] = value;
  }
  return Object.keys(fields).length === 0 ? undefined : fields;
}
