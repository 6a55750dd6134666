import * as v from 'valibot';
import { duration, pathTo, unique, wholeNumber } from '../../common/config-values.ts';
import { timeZone } from '../../common/time-zone.ts';
import { fieldOf, TIME_FIELDS } from './fields.ts';
import { COLUMN, columnName, fieldName, measureSchema, RESERVED } from './measure-config.ts';
import { wrongSize } from './windows.ts';

/** The section `insights:` of the config. */

/** More windows than this are not remembered as closed. */
const WINDOWS_MAX = 100_000;

const groupSchema = v.pipe(
  v.union(
    [
      fieldName,
      v.strictObject({
        field: v.pipe(fieldName, v.description('Business key as `key.NAME`, or field of the summary.')),
        as: v.pipe(columnName, v.description('What its column is called.')),
      }),
    ],
    'must be the name of a field, or an object with `field` and `as`',
  ),
  v.transform((group) =>
    typeof group === 'string' ? { field: group, as: fieldOf(group)?.column ?? group } : group,
  ),
  v.check(
    ({ as }) => COLUMN.test(as) && !RESERVED.has(as),
    'cannot be a column by that name; say what it is to be called: { field: …, as: … }',
  ),
);

const whereValue = v.union(
  [
    v.pipe(
      v.string(),
      v.transform((text) => [text]),
    ),
    v.pipe(v.array(v.string('must be a text')), v.nonEmpty('must name a value')),
  ],
  'must be a text, or a list of texts',
);

const windowSchema = v.strictObject({
  size: v.pipe(
    duration(
      'How long a window is: minutes that divide an hour (`15m`), hours that divide a day (`1h`, `6h`), `1d`, or `7d` from Monday on.',
    ),
    v.rawCheck(({ dataset, addIssue }) => {
      const words = dataset.typed ? wrongSize(dataset.value) : undefined;
      if (words !== undefined) addIssue({ message: words });
    }),
  ),
  zone: v.optional(
    v.pipe(
      v.string('must be a text'),
      v.check((name) => timeZone(name) !== undefined, 'must be a time zone, like Asia/Seoul, UTC or +09:00'),
      v.description(
        'Time zone whose clock the windows go by, also where it is changed: IANA name or offset, `Asia/Seoul`, `+09:00`.',
      ),
    ),
    'UTC',
  ),
  time: v.optional(
    v.pipe(
      v.picklist(TIME_FIELDS, `must be one of ${TIME_FIELDS.join(', ')}`),
      v.description(
        'Which time of the transaction decides about its window. One that has it not (`ended_at` while it is in progress) is not counted.',
      ),
    ),
    'started_at',
  ),
});

const outputsSchema = v.strictObject({
  table: v.optional(
    v.pipe(
      v.boolean('must be true or false'),
      v.description(
        'Whether rows go to a table in the database of the first sink of type clickhouse; ask the view `insight_NAME`. Without such a sink there is none.',
      ),
    ),
    true,
  ),
  table_retention: v.optional(
    duration('How long rows are kept in that table, from their last change.'),
    '400d',
  ),
  lookup_keep: v.optional(
    duration('How long the lookup of a window (a Redis hash) stays after the window was closed.'),
    '7d',
  ),
  stream_length_max: v.optional(
    wholeNumber(
      0,
      10_000_000,
      'Messages that the Redis stream holds, about; the oldest go first, read or not. 0: no stream.',
    ),
    100_000,
  ),
});

const boundsSchema = v.strictObject({
  values: v.optional(
    wholeNumber(
      1,
      1_000_000,
      'Different values that `min`, `max`, `distinct` and `quantile` keep of a group in a window, per partition. What is over it is left out of them and counted in `over_bound`.',
    ),
    10_000,
  ),
  groups: v.optional(
    wholeNumber(
      1,
      1_000_000,
      'Groups of a window, per partition. What is over it is counted together in a group whose fields are all `(others)`.',
    ),
    50_000,
  ),
  transactions: v.optional(
    wholeNumber(
      1,
      100_000_000,
      'Transactions of open windows that are remembered, per partition. What is over it is not counted but as `left_out`.',
    ),
    2_000_000,
  ),
});

export const insightSchema = v.pipe(
  v.strictObject({
    name: v.pipe(
      v.string('must be a text'),
      v.regex(/^[a-z][a-z0-9_]{0,39}$/, 'must be 1 to 40 small letters, digits or _, starting with a letter'),
      v.description(
        'Name of the insight, unique in the config; part of the names of its view, table and keys.',
      ),
    ),
    where: v.optional(
      v.pipe(
        v.record(fieldName, whereValue, 'must be an object of field → value or list of values'),
        v.description(
          "Which transactions are counted: field → its value, or a list of those that are meant. All of them must hold. A field that is not known is ''.",
        ),
      ),
      {},
    ),
    group_by: v.optional(
      v.pipe(
        v.array(groupSchema, 'must be a list of fields'),
        v.maxLength(8, 'must be at most 8 fields'),
        v.description(
          "By what they are grouped: `key.NAME` for a business key, whose column is `NAME`, or a field of the summary; or `{ field, as }` for a column of another name. A field that is not known is ''.",
        ),
      ),
      [],
    ),
    window: v.pipe(windowSchema, v.description('Tumbling windows: each transaction is in one of them.')),
    measures: v.pipe(
      v.record(columnName, measureSchema, 'must be an object of column → measure'),
      v.check((measures) => Object.keys(measures).length > 0, 'must have a measure'),
      v.description(
        "Column → what is computed: `count`, or one of `sum`, `avg`, `min`, `max`, `distinct`, `quantile` (with `at`) and `count` of a field. Values that are '' are passed over; numbers that are none are counted as `unusable`.",
      ),
    ),
    lateness: v.optional(
      duration(
        'How long after its end, or after its first transaction came if that is later, a window stays open. What changes after that is counted as late, and changes no number.',
      ),
      '1h',
    ),
    history: v.optional(
      duration(
        'How far back a window may lie that is still opened for transactions which are collected late. At most 100,000 windows.',
      ),
      '90d',
    ),
    bounds: v.optional(boundsSchema, {}),
    outputs: v.optional(outputsSchema, {}),
  }),
  v.rawCheck(({ dataset, addIssue }) => {
    if (!dataset.typed) return;
    const { group_by, measures, history, window, lateness } = dataset.value;
    const columns = new Set<string>();
    group_by.forEach(({ as }, index) => {
      if (columns.has(as))
        addIssue({
          message: `would be a second column ${as}`,
          path: pathTo(dataset.value, 'group_by', index),
        });
      columns.add(as);
    });
    for (const name of Object.keys(measures)) {
      if (columns.has(name))
        addIssue({
          message: 'is a column of group_by already',
          path: pathTo(dataset.value, 'measures', name),
        });
    }
    if (history < window.size + lateness)
      addIssue({
        message: 'must be at least as long as a window and its `lateness`',
        path: pathTo(dataset.value, 'history'),
      });
    if (history / window.size > WINDOWS_MAX)
      addIssue({
        message: `must be at most ${WINDOWS_MAX.toLocaleString('en')} windows`,
        path: pathTo(dataset.value, 'history'),
      });
  }),
);
export type InsightConfig = v.InferOutput<typeof insightSchema>;

export const insightsSchema = v.pipe(
  v.array(insightSchema, 'must be a list of insights'),
  v.maxLength(32, 'must be at most 32 insights'),
  unique('name'),
);
