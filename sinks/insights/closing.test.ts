import * as v from 'valibot';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { systemClock } from '../../common/clock.ts';
import { FencedError } from '../../common/errors.ts';
import { partitionOf } from '../../common/partition.ts';
import { timestampFromMillis } from '../../common/timestamp.ts';
import { insightSchema } from './config.ts';
import type { InsightConfig } from './config.ts';
import { definitionOf } from './definition.ts';
import { aRevision, INSIGHT, T0 } from './fixture.ts';
import { batchOf, caughtUp, createLab } from './lab.ts';
import type { Lab } from './lab.ts';
import { laneKeys } from './lane-keys.ts';
import { isLaidOut, layOut } from './layout.ts';

const HOUR = 3_600_000;
const never = new AbortController().signal;
const insightOf = (more: object = {}): InsightConfig => v.parse(insightSchema, { ...INSIGHT, ...more });

let lab: Lab;
beforeAll(async () => {
  lab = await createLab();
});
beforeEach(() => lab.reset());
afterAll(() => lab[Symbol.asyncDispose]());

test('a window is closed once its lateness has passed in every partition; its rows turn final, and what it took is put away', async () => {
  const insight = insightOf({ lateness: '1h' });
  const sink = lab.sink(2, insight);
  await sink.open(never);
  const keys = { customer: 'C-1', region: 'Seoul', amount: '5' };
  await sink.write(batchOf(0, 'a', T0, [aRevision({ business_keys: keys })]), never);
  await sink.write(
    batchOf(1, 'b', T0 + 30, [aRevision({ transaction_id: 'T-2', business_keys: keys })]),
    never,
  );
  const later = (partition: number, token: string, at: number) =>
    sink.write(
      batchOf(partition, token, at, [
        aRevision({ transaction_id: `T-${token}`, started_at: timestampFromMillis(at), business_keys: keys }),
      ]),
      never,
    );
  await later(0, 'c', T0 + 3 * HOUR);
  await later(1, 'd', T0 + 2 * HOUR);
  await lab.combine(2, insight);
  // Partition 1 has been counted up to just before.
  expect((await lab.rows('orders'))[0]).toMatchObject({ state: 'open', transactions: 2, revenue: '10.00' });
  await later(1, 'e', T0 + 2 * HOUR + 1);
  await lab.combine(2, insight);
  const [closed] = await lab.rows('orders');
  expect(closed).toMatchObject({
    state: 'final',
    transactions: 2,
    revenue: '10.00',
    window_start: '2026-03-02T09:00:00+09:00',
  });
  const left = await lab.redis.keys(`*insight:orders:*${T0}*`);
  const members = await lab.redis.keys('*:members');
  const ids = (await Promise.all(members.map((key) => lab.redis.hkeys(key)))).flat();
  expect([left, ids.sort()]).toEqual([[], ['T-c', 'T-d', 'T-e']]);

  await sink.write(
    batchOf(0, 'f', T0 + 3 * HOUR, [
      aRevision({ transaction_id: 'T-3' }),
      aRevision({ status: 'failed', version: 2 }),
    ]),
    never,
  );
  await lab.combine(2, insight);
  expect((await lab.rows('orders'))[0]).toEqual(closed);
  const [windows] = await lab.redis.keys('*{insights}:windows:orders:*');
  expect(JSON.parse((await lab.redis.hget(windows!, String(T0)))!)).toMatchObject({
    state: 'final',
    groups: 1,
    transactions: 2,
    late: 1,
  });
});

test('a partition in which nothing comes keeps no window open, and history is counted however old it is', async () => {
  const insight = insightOf({ lateness: '0s', history: '3650d' });
  const sink = lab.sink(2, insight);
  await sink.open(never);
  await caughtUp(lab, 1);
  await sink.write(batchOf(0, 'a', Date.now(), [aRevision({ business_keys: { customer: 'C-1' } })]), never);
  await lab.combine(2, insight);
  expect((await lab.rows('orders'))[0]).toMatchObject({ state: 'open' });
  await caughtUp(lab, 0);
  await lab.combine(2, insight);
  expect((await lab.rows('orders'))[0]).toMatchObject({ state: 'final', transactions: 1 });
});

test('what comes while its window is being closed is counted or late, never neither and never both', async () => {
  const insight = insightOf({ lateness: '0s', group_by: [], measures: { orders: 'count' } });
  const sink = lab.sink(2, insight);
  await sink.open(never);
  const ROUNDS = 40;
  for (let round = 0; round < ROUNDS; round += 1) {
    // An hour passes with every fourth batch, which has orders of the hour before as well.
    const at = T0 + Math.floor(round / 4) * HOUR + round;
    const write = (partition: number) => {
      const rows = [0, 1].map((order) =>
        aRevision({
          transaction_id: `T-${partition}-${round}-${order}`,
          started_at: timestampFromMillis(at - order * HOUR),
        }),
      );
      return sink.write(batchOf(partition, `token ${round}`, at, rows), never);
    };
    await Promise.all([lab.combine(2, insight), write(0), systemClock.sleep(round % 8).then(() => write(1))]);
  }
  await lab.combine(2, insight);
  const [key] = await lab.redis.keys('*{insights}:windows:orders:*');
  const records = Object.values(await lab.redis.hgetall(key!)).map(
    (json) => JSON.parse(json) as { transactions: number; late: number; state: string },
  );
  const sum = (field: 'transactions' | 'late') => records.reduce((total, record) => total + record[field], 0);
  expect(sum('transactions') + sum('late')).toBe(4 * ROUNDS);
  expect([sum('late') > 0, records.filter(({ state }) => state === 'final').length > 5]).toEqual([
    true,
    true,
  ]);
});

test('a window beyond the history is late and no open one, and one whose only transactions are left out is closed in its time', async () => {
  const insight = insightOf({ lateness: '0s', bounds: { transactions: 1 } });
  const sink = lab.sink(1, insight);
  await sink.open(never);
  const at = T0 + 91 * 24 * HOUR;
  const order = (id: string, hours: number) =>
    aRevision({ transaction_id: id, started_at: timestampFromMillis(at + hours * HOUR) });
  await sink.write(batchOf(0, 'a', at, [aRevision({}), order('T-2', 0), order('T-3', 1)]), never);
  await lab.combine(1, insight);
  const records = async () => {
    const [key] = await lab.redis.keys('*{insights}:windows:orders:*');
    const found = Object.entries(await lab.redis.hgetall(key!)).sort(([a], [b]) => Number(a) - Number(b));
    return found.map(([, json]) => JSON.parse(json) as object);
  };
  expect(await records()).toMatchObject([
    { state: 'final', late: 1, transactions: 0 },
    { state: 'open', late: 0, left_out: 0, transactions: 1 },
    { state: 'open', left_out: 1, transactions: 0 },
  ]);
  await sink.write(batchOf(0, 'b', at + 3 * HOUR, [order('T-4', 3)]), never);
  await lab.combine(1, insight);
  expect((await records()).slice(0, 3)).toMatchObject([
    { state: 'final' },
    { state: 'final', transactions: 1 },
    { state: 'final', left_out: 1, transactions: 0 },
  ]);
});

test('a closed window is closed in partitions that are added later: what comes late for it there is late', async () => {
  const insight = insightOf({ lateness: '1h' });
  const customer = { customer: 'C-1', region: 'Seoul' };
  const writeTo = async (partitions: number, partition: number, at: number, started: number, fence = 1) => {
    let id = `T-${at}`;
    while (partitionOf(id, partitions) !== partition) id += 'x';
    const row = aRevision({
      transaction_id: id,
      started_at: timestampFromMillis(started),
      business_keys: customer,
    });
    const sink = lab.sink(partitions, insight);
    await sink.open(never);
    await sink.write(batchOf(partition, `at ${at}`, at, [row], fence), never);
  };
  await writeTo(2, 0, T0, T0);
  for (const partition of [0, 1]) await writeTo(2, partition, T0 + 3 * HOUR, T0 + 3 * HOUR);
  await lab.combine(2, insight);
  const [closed] = await lab.rows('orders');
  expect(closed).toMatchObject({ state: 'final', transactions: 1 });

  await lab.sink(4, insight).open(never);
  await lab.combine(4, insight);
  await writeTo(4, 3, T0 + 3 * HOUR + 1, T0, 2);
  for (const partition of [0, 1, 2, 3]) await writeTo(4, partition, T0 + 6 * HOUR, T0 + 6 * HOUR, 3);
  await lab.combine(4, insight);
  expect((await lab.rows('orders'))[0]).toEqual(closed);
  const [windows] = await lab.redis.keys('*{insights}:windows:orders:*');
  expect(JSON.parse((await lab.redis.hget(windows!, String(T0)))!)).toMatchObject({
    state: 'final',
    transactions: 1,
    late: 1,
  });
});

test('however many windows are closed, added partitions know them all once what was interrupted is done again', async () => {
  const { redis, keys } = lab;
  const generation = { definition: definitionOf(insightOf()), generation: '20260302T000000000' };
  const closedIn = (partition: number) => laneKeys(keys, partition, generation).closed;
  const ends = Array.from({ length: 1_300 }, (_, index) => T0 + (index + 1) * HOUR);
  await redis.zadd(closedIn(0), ...ends.flatMap((end) => [end, end - HOUR]));
  await isLaidOut({ redis, keys, partitions: 1 });

  const grown = { redis, keys, partitions: 3 };
  const ending = new AbortController();
  const before = layOut(grown, [generation], 1, ending.signal);
  while ((await redis.zcard(closedIn(2))) === 0);
  ending.abort();
  await before;
  expect(await isLaidOut(grown)).toBe(false);
  await layOut(grown, [generation], 2, never);
  expect(await isLaidOut(grown)).toBe(true);
  const all = await redis.zrange(closedIn(0), '0', '-1', 'WITHSCORES');
  expect(all).toHaveLength(2 * ends.length);
  for (const partition of [1, 2])
    expect(await redis.zrange(closedIn(partition), '0', '-1', 'WITHSCORES')).toEqual(all);
  // Whoever was in it before changes nothing any more.
  await expect(layOut(grown, [generation], 1, never)).rejects.toThrow(FencedError);
});
