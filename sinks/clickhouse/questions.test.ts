import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openFixture } from './fixture.ts';
import type { ClickHouseFixture } from './fixture.ts';

/** What is asked most must not read whole tables: looked up in the plan, with tables of some hundred thousand rows. */

/** Yesterday afternoon: just after midnight a day's partition is so small that there is nothing to leave out. */
const NOW = "toDateTime64(toStartOfDay(now('UTC')) - INTERVAL 9 HOUR, 6, 'UTC')";
const LAST_HOUR = `${NOW} - INTERVAL 1 HOUR`;

let fixture: ClickHouseFixture;
beforeAll(async () => {
  fixture = await openFixture();
  const { client } = fixture.server;
  await client.command({
    query: `INSERT INTO tranweave.tracking_log (event_id, transaction_id, interface_id, step, status, event_time, ingest_time, business_keys)
      SELECT 'e' || number, 'T' || cityHash64(intDiv(number, 6)), 'if' || (intDiv(number, 6) % 40), 'send',
             if(number % 500 = 0, 'failed', 'succeeded'), ${NOW} - toIntervalSecond(number % 600000), now64(6),
             map('order_no', 'SO-' || intDiv(number, 6))
      FROM numbers(400000)`,
  });
  await client.command({
    query: `INSERT INTO tranweave.transaction_summary_revision (transaction_id, interface_id, status, started_at, created_at, updated_at, version, business_keys)
      SELECT 'T' || cityHash64(number), 'if' || (number % 40), if(number % 500 = 0, 'failed', 'completed'), created_at, created_at,
             ${NOW} - toIntervalSecond(number % 600000) AS created_at, 1, map('order_no', 'SO-' || number)
      FROM numbers(200000)`,
  });
}, 60_000);
afterAll(() => fixture[Symbol.asyncDispose]());

/** The indexes that leave something out, and how much of the table is read. */
async function planOf(from: string, where: string) {
  const rows = await fixture.server.rows<{ explain: string }>(
    `EXPLAIN indexes = 1 SELECT * FROM tranweave.${from} WHERE ${where}`,
  );
  const used: string[] = [];
  let name = '';
  let total = 0;
  let read = 0;
  for (const line of rows.map(({ explain }) => explain.trim())) {
    const words = /^(?:Name: )?(PrimaryKey|Partition|MinMax|by_\w+)$/.exec(line)?.[1];
    if (words !== undefined) name = words;
    const granules = /^Granules: (\d+)\/(\d+)$/.exec(line);
    if (granules === null) continue;
    read = Number(granules[1]);
    total = Math.max(total, Number(granules[2]));
    if (read < Number(granules[2])) used.push(name);
  }
  return { used, part: read / total };
}

describe.each(['tracking_log', 'tracking_log FINAL'])('%s finds', (table) => {
  test('one transaction by its id', async () => {
    const { used, part } = await planOf(table, "transaction_id = 'T' || cityHash64(77)");
    expect(used).toContain('by_transaction');
    expect(part).toBeLessThan(0.1);
  });

  test('an interface over some hours', async () => {
    const hours = `event_time BETWEEN ${NOW} - INTERVAL 30 HOUR AND ${NOW} - INTERVAL 26 HOUR`;
    const { used, part } = await planOf(table, `interface_id = 'if7' AND ${hours}`);
    expect(used).toContain('PrimaryKey');
    expect(part).toBeLessThan(0.25);
  });

  test('what failed in the last hour', async () => {
    const { used, part } = await planOf(table, `status = 'failed' AND event_time >= ${LAST_HOUR}`);
    expect(used).toContain('PrimaryKey');
    expect(part).toBeLessThan(0.15);
  });

  test.each(["business_keys['order_no'] = 'SO-500'", "has(mapValues(business_keys), 'SO-500')"])(
    'a business key: %s',
    async (where) => {
      const { used, part } = await planOf(table, where);
      expect(used).toContain('by_business_key');
      expect(part).toBeLessThan(0.15);
    },
  );

  test('what carries a trace id', async () => {
    expect((await planOf(table, "trace_id = '4bf92f3577b34da6a3ce929d0e0e4736'")).used).toContain('by_trace');
  });
});

describe('transactions are found', () => {
  test('by their id', async () => {
    const { used, part } = await planOf('transaction_summary', "transaction_id = 'T' || cityHash64(77)");
    expect(used).toContain('PrimaryKey');
    // One granule of each part.
    expect(part).toBeLessThan(0.25);
  });

  test('by a business key', async () => {
    const { used, part } = await planOf('transaction_summary', "has(mapValues(business_keys), 'SO-500')");
    expect(used).toContain('by_business_key');
    expect(part).toBeLessThan(0.5);
  });

  test.each(['interface_minute', 'step_minute', 'transaction_brief'])(
    'by the minutes of the last hour: %s',
    async (view) => {
      const { used, part } = await planOf(view, `minute >= ${LAST_HOUR} AND interface_id = 'if7'`);
      expect(used).toContain('by_minute');
      expect(part).toBeLessThan(0.25);
    },
  );

  test.each(["status = 'failed'", "interface_id = 'if7'"])(
    'by what changed in the last hour: %s',
    async (where) => {
      const { used, part } = await planOf(`transaction_summary_since(since = ${LAST_HOUR})`, where);
      expect(used).toContain('by_update');
      expect(part).toBeLessThan(0.5);
    },
  );
});
