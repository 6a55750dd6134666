import { afterAll, beforeAll, expect, test } from 'vitest';
import { groupsOf } from '../common/redis/groups.ts';
import { createKeys, STREAM_KINDS } from '../common/redis/keys.ts';
import { until } from '../common/testing/until.ts';
import { createInProcess } from './support/in-process.ts';
import type { InProcess } from './support/in-process.ts';

const PARTITIONS = [0, 1];
const keys = createKeys('tranweave');
let landscape: InProcess;
beforeAll(async () => {
  landscape = await createInProcess();
});
afterAll(() => landscape[Symbol.asyncDispose]());

const log = (id: number) => ({
  transaction_id: `T${id}`,
  step: 'send',
  status: 'succeeded',
  event_time: '2026-01-31T09:15:00Z',
});
const post = (from: number, to: number) =>
  landscape.post(
    Array.from({ length: to - from }, (_, i) => `${JSON.stringify(log(from + i))}\n`).join(''),
    `${from}`,
  );
const streams = PARTITIONS.flatMap((partition) => STREAM_KINDS.map((kind) => keys.stream(partition, kind)));
const entries = async () =>
  (await Promise.all(streams.map((stream) => landscape.admin.xlen(stream)))).reduce((sum, n) => sum + n, 0);

test('R25, R26: processors and sinks that start while Redis has no memory left drain it; collectors wait meanwhile', async () => {
  const { admin, clickhouse, roles } = landscape;
  await until('the store is open', async () => (await roles.sinks.reasons()).length === 0);
  await Promise.all([roles.processor.stop(), roles.sinks.stop()]);
  for (let i = 0; i < 10; i += 1) expect((await post(i * 100, i * 100 + 100)).status).toBe(200);
  // And a group that is missing: it cannot be made by XGROUP CREATE now.
  await admin.xgroup('DESTROY', keys.stream(0, 'summary'), 'sink:store');
  await admin.config('SET', 'maxmemory', '1');
  expect((await post(1000, 1100)).status).toBe(503);
  await landscape.write(`${JSON.stringify(log(2000))}\n`);

  await using processor = await landscape.start('processor');
  await using sinks = await landscape.start('sinks');
  const stored = async () =>
    clickhouse.rows(`SELECT toInt32((SELECT count() FROM tranweave.tracking_log)) AS logs,
                            toInt32((SELECT count() FROM tranweave.transaction_summary)) AS transactions`);
  await until('all is stored and trimmed', async () => (await entries()) === 0, 30_000);
  expect(await stored()).toEqual([{ logs: 1000, transactions: 1000 }]);
  const groups = (await Promise.all(streams.map((stream) => groupsOf(admin, stream)))).flat();
  expect(groups.filter(({ lag }) => lag !== 0)).toEqual([]);
  expect((await post(1000, 1100)).status).toBe(503);
  expect(await roles.collector.reasons()).toEqual(
    expect.arrayContaining([expect.stringContaining('memory')]),
  );

  await admin.config('SET', 'maxmemory', '0');
  await until('senders are welcome again', async () => (await post(1000, 1100)).status === 200);
  const all = JSON.stringify([{ logs: 1101, transactions: 1101 }]);
  await until('the file went on as well', async () => JSON.stringify(await stored()) === all);
  expect([processor.isRunning(), sinks.isRunning(), roles.collector.isRunning()]).toEqual([true, true, true]);
}, 60_000);
