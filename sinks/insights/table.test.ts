import * as v from 'valibot';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { systemClock } from '../../common/clock.ts';
import { silentLogger } from '../../common/logger.ts';
import { createRegistry } from '../../common/metrics.ts';
import { startClickHouse } from '../../common/testing/clickhouse.ts';
import type { TestClickHouse } from '../../common/testing/clickhouse.ts';
import { freePort } from '../../common/testing/redis-server.ts';
import { until } from '../../common/testing/until.ts';
import { clickhouseSink } from '../clickhouse/sink.ts';
import { insightSchema } from './config.ts';
import { definitionOf } from './definition.ts';
import { createDefinitions } from './definitions.ts';
import { aRevision, INSIGHT, T0 } from './fixture.ts';
import { batchOf, createLab } from './lab.ts';
import type { Lab } from './lab.ts';
import { createInsightMetrics } from './metrics.ts';
import { tableStoreOf, writeTables } from './table-writer.ts';

const never = new AbortController().signal;

let clickhouse: TestClickHouse;
let lab: Lab;
beforeAll(async () => {
  [clickhouse, lab] = await Promise.all([startClickHouse(), createLab()]);
});
afterAll(async () => {
  await lab[Symbol.asyncDispose]();
  await clickhouse.stop();
});

/** Counts revisions by an insight, and puts them together. */
async function count(more: object, token: string, ...rows: Parameters<typeof batchOf>[3]) {
  const insight = v.parse(insightSchema, { ...INSIGHT, ...more });
  const sink = lab.sink(1, insight);
  await sink.open(never);
  await sink.write(batchOf(0, token, T0, rows), never);
  await lab.combine(1, insight);
  return insight;
}

/** Writes tables of the ClickHouse at this address until the condition holds; what was said to be wrong meanwhile. */
async function writing(
  url: string,
  insight: Awaited<ReturnType<typeof count>>,
  what: string,
  condition: () => Promise<boolean>,
) {
  const troubles: (string | undefined)[] = [];
  const store = tableStoreOf(v.parse(clickhouseSink.config, { name: 'clickhouse', type: 'clickhouse', url }));
  const { redis, keys } = lab;
  const base = { redis, keys, clock: systemClock, logger: silentLogger() };
  const definitions = createDefinitions({
    ...base,
    partitions: 1,
    definitions: [definitionOf(insight)],
    onBegun: () => undefined,
  });
  await definitions.record();
  const ending = new AbortController();
  const metrics = createInsightMetrics(createRegistry('sinks'));
  const onTrouble = (words: string | undefined) => troubles.push(words);
  const running = writeTables({ ...base, definitions, store, metrics, onTrouble }, ending.signal);
  await until(what, async () => troubles.length > 0 || (await condition()));
  ending.abort();
  await running;
  await store.client.close();
  return troubles;
}

const pending = async () => {
  const found = await lab.redis.keys('*:pending:*');
  const sizes = await Promise.all(found.map((key) => lab.redis.hlen(key)));
  return sizes.reduce((sum, size) => sum + size, 0);
};
/** But for numbers that JSON would not tell exactly. */
const ORDERS =
  'SELECT * EXCEPT (updated_at, revision, revenue, average, smallest, largest, median) FROM tranweave.insight_orders ORDER BY customer';
const keys = { customer: 'C-1', region: 'Seoul', amount: '99999999999999999.25', item: 'tea' };

test('rows wait while ClickHouse is away, only the newest of each, and are in the table once it is there', async () => {
  const insight = await count({}, 'a', aRevision({ business_keys: keys }));
  const troubles = await writing(`http://127.0.0.1:${await freePort()}`, insight, 'trouble is told', () =>
    Promise.resolve(false),
  );
  expect(troubles[0]).toContain('the table: ClickHouse cannot be reached');
  await count({}, 'b', aRevision({ transaction_id: 'T-2', business_keys: { ...keys, amount: 'abc' } }));
  // The row and its window.
  expect(await pending()).toBe(2);
  const isStored = async () => (await pending()) === 0;
  expect(await writing(clickhouse.url, insight, 'the rows are stored', isStored)).toEqual([]);
  expect(await clickhouse.rows(ORDERS)).toEqual([
    {
      window_start: '2026-03-02 09:00:00',
      window_end: '2026-03-02 10:00:00',
      customer: 'C-1',
      region: 'Seoul',
      transactions: 2,
      orders: 2,
      items: 1,
      with_item: 2,
      unusable: { revenue: 1, average: 1, smallest: 1, largest: 1, median: 1 },
      over_bound: {},
      state: 'open',
    },
  ]);
  const exact = 'SELECT toString(revenue) AS text, toTypeName(revenue) AS type FROM tranweave.insight_orders';
  expect(await clickhouse.rows(exact)).toEqual([{ text: '99999999999999999.25', type: 'Decimal(38, 2)' }]);
});

test('a row whose transactions have all left is not in the view', async () => {
  const insight = await count(
    {},
    'c',
    aRevision({ business_keys: keys, status: 'failed', version: 9 }),
    aRevision({ transaction_id: 'T-2', business_keys: { customer: 'C-3' }, version: 2 }),
  );
  await writing(clickhouse.url, insight, 'the rows are stored', async () => (await pending()) === 0);
  expect((await clickhouse.rows<{ customer: string }>(ORDERS)).map(({ customer }) => customer)).toEqual([
    'C-3',
  ]);
});

test('another definition has a table of its own, on which the view is put; the former one stays', async () => {
  const other = {
    group_by: ['interface_id', { field: 'key.customer', as: 'who' }],
    window: { size: '1d', zone: '+09:00' },
    measures: { orders: 'count' },
  };
  const insight = await count(other, 'd', aRevision({ transaction_id: 'T-4', business_keys: keys }));
  await writing(clickhouse.url, insight, 'the rows are stored', async () => (await pending()) === 0);
  expect(
    await clickhouse.rows(
      'SELECT toString(window_start) AS day, toUnixTimestamp(window_start) AS at, interface_id, who, orders FROM tranweave.insight_orders',
    ),
  ).toEqual([
    {
      day: '2026-03-02 00:00:00',
      at: (T0 - 9 * 3_600_000) / 1000,
      interface_id: 'market',
      who: 'C-1',
      orders: 1,
    },
  ]);
  const tables = await clickhouse.rows(
    `SELECT name FROM system.tables WHERE match(name, '^insight_orders_2')`,
  );
  expect(tables.length).toBe(2);
});
