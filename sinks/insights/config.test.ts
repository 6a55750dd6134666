import { expect, test } from 'vitest';
import * as v from 'valibot';
import { checkConfig } from '../../common/config.ts';
import { insightsSchema } from './config.ts';
import { aDefinition } from './fixture.ts';

const schema = v.object({ insights: insightsSchema });

const GOOD = `insights:
  - name: orders
    group_by: [key.customer, interface_id]
    window: { size: 1h, zone: Asia/Seoul }
    measures: { orders: count, revenue: { sum: key.amount, scale: 2 } }
`;
const mistakesOf = (text: string) =>
  checkConfig(text, schema, {}).mistakes?.map(({ line, key, reason }) => `${line} ${key} ${reason}`);

test('an insight that is right has no mistakes', () => {
  expect(mistakesOf(GOOD)).toBeUndefined();
});

test.each([
  [
    'group_by: [key.customer, interface_id]',
    'group_by: [customer]',
    /^3 insights\[0\]\.group_by\[0\] must be key\.NAME for a business key, or one of interface_id/,
  ],
  [
    'group_by: [key.customer, interface_id]',
    'group_by: [key.고객]',
    /^3 .*cannot be a column by that name; say what it is to be called/,
  ],
  [
    'group_by: [key.customer, interface_id]',
    'group_by: [key.a, key.a]',
    /^3 .*group_by\[1\] would be a second column a/,
  ],
  [
    'group_by: [key.customer, interface_id]',
    'group_by: [key.revenue]',
    /^5 .*measures\.revenue is a column of group_by already/,
  ],
  [
    'group_by: [key.customer, interface_id]',
    'group_by: [{ field: key.state, as: state }]',
    /^3 .*as is the name of a column that every insight has/,
  ],
  [
    'size: 1h',
    'size: 7m',
    /^4 .*window\.size must be minutes that divide an hour, hours that divide a day, 1d or 7d/,
  ],
  ['zone: Asia/Seoul', 'zone: Korea', /^4 .*window\.zone must be a time zone/],
  ['zone: Asia/Seoul', 'time: now', /^4 .*window\.time must be one of started_at, ended_at/],
  [
    'sum: key.amount, scale: 2',
    'sum: key.amount, max: key.amount',
    /^5 .*measures\.revenue must have exactly one of count, sum/,
  ],
  [
    'sum: key.amount, scale: 2',
    'quantile: key.amount',
    /^5 .*measures\.revenue must have `at` with `quantile`/,
  ],
  ['sum: key.amount, scale: 2', 'sum: amount', /^5 .*measures\.revenue\.sum must be key\.NAME/],
  [
    'sum: key.amount, scale: 2',
    'sum: key.amount, scale: 12',
    /^5 .*measures\.revenue\.scale must be a whole number from 0 to 9/,
  ],
  ['orders: count', 'orders: all', /^5 .*measures\.orders must be `count`, or an object/],
  ['name: orders', 'name: Orders hourly', /^2 insights\[0\]\.name must be 1 to 40 small letters/],
  [
    'name: orders',
    'name: orders\n    history: 30m',
    /^3 .*history must be at least as long as a window and its `lateness`/,
  ],
  ['name: orders', 'name: orders\n    where: { colour: red }', /^3 .*where\.colour must be key\.NAME/],
  [
    'name: orders',
    'name: orders\n    where: { late: true }',
    /^3 .*where\.late must be a text, or a list of texts/,
  ],
  ['name: orders', 'name: orders\n    latness: 1h', /^3 .*latness is not known here/],
])('in place of `%s`, `%s` is a mistake that is told', (good, bad, words) => {
  const mistakes = mistakesOf(GOOD.replace(good, bad));
  expect(mistakes?.length).toBe(1);
  expect(mistakes?.[0]).toMatch(words);
});

test('two insights of one name are a mistake', () => {
  expect(mistakesOf(GOOD + GOOD.replace('insights:\n', ''))).toEqual([
    '6 insights[1].name is used twice: orders',
  ]);
});

test('what decides about numbers makes another definition, and the rest does not', () => {
  const { hash } = aDefinition();
  const same = [{ lateness: '5m' }, { history: '30d' }, { outputs: { table: false } }];
  const other = [
    { where: {} },
    { group_by: ['key.region', 'key.customer'] },
    { window: { size: '1h', zone: 'UTC' } },
    { measures: { orders: 'count' } },
    { bounds: { values: 5 } },
  ];
  expect(same.map((more) => aDefinition(more).hash === hash)).toEqual([true, true, true]);
  expect(other.map((more) => aDefinition(more).hash === hash)).toEqual([false, false, false, false, false]);
});
