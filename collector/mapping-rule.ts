import * as v from 'valibot';
import { patternProblem } from '../common/time-pattern.ts';
import { timeZone } from '../common/time-zone.ts';
import { UNITS } from './units.ts';

/** One rule of a mapping: where a field's value comes from and what is made of it. */

const fieldName = v.pipe(v.string('must be the name of a field'), v.nonEmpty('must not be empty'));
const plain = v.union([v.string(), v.number(), v.boolean()], 'must be a text, a number or a boolean');

const timePattern = v.pipe(
  v.string('must be a pattern like "yyyy-MM-dd HH:mm:ss.SSS"'),
  v.rawCheck(({ dataset, addIssue }) => {
    const problem = dataset.typed ? patternProblem(dataset.value) : undefined;
    if (problem !== undefined) addIssue({ message: problem });
  }),
);

const ruleObject = v.pipe(
  v.strictObject({
    field: v.exactOptional(
      v.pipe(
        v.union(
          [fieldName, v.pipe(v.array(fieldName), v.minLength(1, 'must name at least one field'))],
          'must be the name of a field, or a list of names',
        ),
        v.description(
          'Name of a decoded field, a path into it (`order.id`), or `meta.path` and the like; of a list, the first that is not empty.',
        ),
      ),
    ),
    constant: v.exactOptional(v.pipe(plain, v.description('The value itself.'))),
    template: v.exactOptional(
      v.pipe(
        v.string('must be a text'),
        v.description('A text with fields in braces: `{order.id}-{line}`; empty if one of them is.'),
      ),
    ),
    join: v.exactOptional(
      v.pipe(
        v.string('must be a text'),
        v.description(
          'Instead of the first of several fields: all that are not empty, with this text between them; of a field that is a list, its values.',
        ),
      ),
    ),
    empty: v.exactOptional(
      v.pipe(
        v.array(v.string('must be a text'), 'must be a list of texts'),
        v.description(
          "Texts that stand for nothing, such as `['-', '0000']`: a field that is one of them is empty.",
        ),
      ),
    ),
    substring: v.exactOptional(
      v.pipe(
        v.strictObject({
          start: v.pipe(v.number('must be a number'), v.safeInteger('must be a whole number')),
          length: v.exactOptional(
            v.pipe(
              v.number('must be a number'),
              v.safeInteger('must be a whole number'),
              v.minValue(1, 'must be 1 or more'),
            ),
          ),
        }),
        v.description(
          'Part of the text: from the character `start` (0 is the first, -1 the last), `length` of them or all that follow.',
        ),
      ),
    ),
    values: v.exactOptional(
      v.pipe(
        v.record(v.string(), plain, 'must be an object of texts'),
        v.description('Table from the value found to the value wanted; what it lacks takes `default`.'),
      ),
    ),
    default: v.exactOptional(
      v.pipe(plain, v.description('Taken when the field is empty, or when `values` lacks what it says.')),
    ),
    decimal: v.exactOptional(
      v.pipe(
        v.picklist(['.', ','], "must be '.' or ','"),
        v.description(
          "Makes a number of a text: the sign before its fraction. Thousands may be grouped by the other sign, spaces or '.",
        ),
      ),
    ),
    unit: v.exactOptional(
      v.pipe(
        v.picklist(UNITS, `must be one of ${UNITS.join(', ')}`),
        v.description(
          'Unit of a number without one of its own (`1.5s`, `12 KiB`). Times become milliseconds, sizes bytes.',
        ),
      ),
    ),
    multiply: v.exactOptional(
      v.pipe(
        v.number('must be a number'),
        v.finite('must be finite'),
        v.description('Makes a number of a text, and multiplies it.'),
      ),
    ),
    time: v.exactOptional(
      v.pipe(
        v.union(
          [timePattern, v.pipe(v.array(timePattern), v.minLength(1, 'must have at least one pattern'))],
          'must be a pattern like "yyyy-MM-dd HH:mm:ss.SSS", or a list of patterns',
        ),
        v.description(
          'Pattern of a time: yyyy MM dd HH mm ss SSS (1 to 9 S), MMM (English month), hh with a, XXX (offset); or rfc3339, epoch_s, epoch_ms, epoch_us. Of a list, the first that fits. Without a year, the time nearest to when the record was collected is taken.',
        ),
      ),
    ),
    zone: v.exactOptional(
      v.pipe(
        v.string('must be a time zone'),
        v.check((name) => timeZone(name) !== undefined, 'is not a time zone, like Asia/Seoul, UTC or +09:00'),
        v.description('Zone of times that do not name theirs; UTC if not given.'),
      ),
    ),
  }),
  v.check(
    (rule) => [rule.field, rule.constant, rule.template].filter((way) => way !== undefined).length === 1,
    'must have exactly one of `field`, `constant` and `template`',
  ),
  v.check((rule) => rule.zone === undefined || rule.time !== undefined, 'has `zone` without `time`'),
  v.check((rule) => rule.join === undefined || rule.field !== undefined, 'has `join` without `field`'),
  v.check(
    (rule) => rule.default === undefined || rule.constant === undefined,
    'has a `default` that a `constant` never needs',
  ),
);

export const ruleSchema = v.union(
  [
    v.pipe(
      fieldName,
      v.transform((field): v.InferOutput<typeof ruleObject> => ({ field })),
    ),
    ruleObject,
  ],
  'must be the name of a field, or an object with `field`, `constant` or `template`; of several fields, { field: [a, b] } takes the first that is not empty',
);
export type Rule = v.InferOutput<typeof ruleSchema>;
