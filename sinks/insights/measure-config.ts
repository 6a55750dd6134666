import * as v from 'valibot';
import { wholeNumber } from '../../common/config-values.ts';
import { SCALE_MAX } from './decimal.ts';
import { FIELD_NAMES, fieldOf } from './fields.ts';

/** Fields, columns and measures, as the section `insights:` names them. */

/** Columns that every row has. */
export const ROW_COLUMNS = [
  'window_start',
  'window_end',
  'transactions',
  'unusable',
  'over_bound',
  'state',
  'revision',
  'updated_at',
] as const;
/** What else a message on the stream has. */
const MESSAGE_FIELDS = ['kind', 'insight', 'generation', 'groups', 'late', 'left_out', 'counted_since'];
export const RESERVED: ReadonlySet<string> = new Set([...ROW_COLUMNS, ...MESSAGE_FIELDS]);

export const fieldName = v.pipe(
  v.string('must be the name of a field'),
  v.check(
    (name) => fieldOf(name) !== undefined,
    `must be key.NAME for a business key, or one of ${FIELD_NAMES.join(', ')}`,
  ),
);

export const COLUMN = /^[a-z_][a-z0-9_]{0,62}$/;
export const columnName = v.pipe(
  v.string('must be a text'),
  v.regex(COLUMN, 'must be a column name: small letters, digits and _, starting with no digit'),
  v.check((name) => !RESERVED.has(name), 'is the name of a column that every insight has'),
);

const kinds = ['count', 'sum', 'avg', 'min', 'max', 'distinct', 'quantile'] as const;
export type MeasureKind = (typeof kinds)[number];

const ofField = (words: string) => v.exactOptional(v.pipe(fieldName, v.description(words)));

export const measureSchema = v.union(
  [
    v.pipe(
      v.literal('count', 'must be `count`, or an object like { sum: key.amount }'),
      v.transform((): MeasureConfig => ({ kind: 'count', field: undefined, at: 0, scale: 0 })),
    ),
    v.pipe(
      v.strictObject({
        count: ofField('How many transactions have this field; `count` alone counts all of them.'),
        sum: ofField('Sum of a field that holds numbers.'),
        avg: ofField('Its sum by how many have one, rounded to `scale`, halves away from zero.'),
        min: ofField('Its smallest number.'),
        max: ofField('Its largest number.'),
        distinct: ofField('How many different values the field has.'),
        quantile: ofField('Its quantile `at`, by nearest rank: a number that is there.'),
        at: v.exactOptional(
          v.pipe(
            v.number('must be a number'),
            v.gtValue(0, 'must be above 0'),
            v.maxValue(1, 'must be at most 1'),
            v.description('Which quantile: 0.5 is the median. Above 0, at most 1.'),
          ),
        ),
        scale: v.exactOptional(
          wholeNumber(
            0,
            SCALE_MAX,
            'Digits behind the point that are kept, 6 if not given. A number with more of them counts as unusable: rounding it would make the sum another one.',
          ),
        ),
      }),
      v.check(
        (measure) => kinds.filter((kind) => measure[kind] !== undefined).length === 1,
        `must have exactly one of ${kinds.join(', ')}`,
      ),
      v.check(
        (measure) => (measure.quantile === undefined) === (measure.at === undefined),
        'must have `at` with `quantile`, and only with it',
      ),
      v.transform((measure): MeasureConfig => {
        const kind = kinds.find((one) => measure[one] !== undefined) ?? 'count';
        return { kind, field: measure[kind], at: measure.at ?? 0, scale: measure.scale ?? 6 };
      }),
    ),
  ],
  'must be `count`, or an object like { sum: key.amount }',
);

export interface MeasureConfig {
  kind: MeasureKind;
  field: string | undefined;
  at: number;
  scale: number;
}
