import * as v from 'valibot';
import { isEmpty, textOf, valueAt } from './mapping-value.ts';
import type { Source } from './mapping-value.ts';
import { checkedPattern, patternSchema } from './pattern.ts';

/** Conditions on a decoded record: which records are logs, and which logs a record gives. */

const plain = v.union([v.string(), v.number(), v.boolean()], 'must be a text, a number or a boolean');

const single = v.pipe(
  v.strictObject({
    field: v.pipe(
      v.string('must be the name of a field'),
      v.nonEmpty('must not be empty'),
      v.description('Name of a decoded field, a path into it, or `meta.path` and the like.'),
    ),
    is: v.exactOptional(
      v.pipe(
        v.union([plain, v.array(plain)], 'must be a text, or a list of texts'),
        v.description(
          "The field's text, or a list of texts that it may be; an empty text for a field that is empty.",
        ),
      ),
    ),
    not: v.exactOptional(
      v.pipe(
        v.union([plain, v.array(plain)], 'must be a text, or a list of texts'),
        v.description('A text that the field must not be, or a list of such.'),
      ),
    ),
    matches: v.exactOptional(patternSchema('A pattern (RE2) that is found in the field.')),
  }),
  v.check(
    (condition) =>
      [condition.is, condition.not, condition.matches].filter((way) => way !== undefined).length <= 1,
    'must have at most one of `is`, `not` and `matches`',
  ),
);
type Single = v.InferOutput<typeof single>;

const several = v.pipe(v.array(single, 'must be a list of conditions'), v.minLength(1, 'must not be empty'));

/** A condition; without `is`, `not` and `matches`: that the field is not empty. */
export const conditionSchema = v.union(
  [single, v.strictObject({ all: several }), v.strictObject({ any: several })],
  'must be an object with `field`, and at most one of `is`, `not` and `matches`; or with a list of those as `all` or `any`',
);
export type ConditionConfig = v.InferOutput<typeof conditionSchema>;

export type Condition = (source: Source) => boolean;

export function compileCondition(config: ConditionConfig): Condition {
  if ('all' in config) {
    const parts = config.all.map(compileSingle);
    return (source) => parts.every((holds) => holds(source));
  }
  if ('any' in config) {
    const parts = config.any.map(compileSingle);
    return (source) => parts.some((holds) => holds(source));
  }
  return compileSingle(config);
}

function compileSingle({ field, is, not, matches }: Single): Condition {
  if (matches !== undefined) {
    const pattern = checkedPattern(matches);
    return (source) => pattern.matcher(textAt(source, field)).find();
  }
  const texts = is ?? not;
  if (texts === undefined) return (source) => !isEmpty(valueAt(source, field));
  const table = new Set([texts].flat().map(String));
  return (source) => table.has(textAt(source, field)) === (is !== undefined);
}

function textAt(source: Source, field: string): string {
  const value = valueAt(source, field);
  return isEmpty(value) ? '' : textOf(value);
}
