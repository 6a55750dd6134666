import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { partitionOf } from '../common/partition.ts';
import { createKeys } from '../common/redis/keys.ts';
import { freePort } from '../common/testing/redis-server.ts';
import { CLI, createLandscape, PARTITIONS } from './support/landscape.ts';

const keys = createKeys('tranweave');
const run = promisify(execFile);
const [EVERYTHING, SHOP] = ['a-key-for-everything', 'a-key-for-the-shop-alone'];

test('a log of a transaction that Redis has forgotten is kept, and neither wipes nor forks what is known', async () => {
  const port = await freePort();
  await using landscape = await createLandscape({
    api: {
      port,
      keys: [
        { name: 'all', key: EVERYTHING },
        { name: 'shop', key: SHOP, interfaces: ['shop'] },
      ],
    },
  });
  await Promise.all(
    (['collector', 'processor', 'sinks', 'api'] as const).map((role) => landscape.start(role)),
  );
  const post = async (step: string, status: string, interfaceId: string) => {
    const log = {
      transaction_id: 'T1',
      interface_id: interfaceId,
      step,
      status,
      event_time: '2026-01-31T09:15:00Z',
      event_id: `${step}-${status}`,
    };
    const response = await fetch(landscape.httpUrl, {
      method: 'POST',
      body: JSON.stringify(log),
      headers: { 'content-type': 'application/json' },
    });
    expect(await response.json()).toMatchObject({ accepted: 1 });
    await landscape.drained();
  };
  const summaries = () =>
    landscape.rows(`SELECT * FROM tranweave.transaction_summary WHERE transaction_id = 'T1'`);
  const ask = async (path: string, key: string) => {
    const response = await fetch(`http://127.0.0.1:${port}/v1/transactions${path}`, {
      headers: { 'x-api-key': key },
    });
    return [response.status, await response.json()];
  };
  for (const step of ['send', 'hub', 'receive']) await post(step, 'succeeded', 'order');
  expect(await summaries()).toMatchObject([{ status: 'completed', steps_finished: 3 }]);
  const before = await summaries();
  const answered = await ask('/T1', EVERYTHING);
  expect(answered).toMatchObject([200, { status: 'completed', steps_finished: 3 }]);
  // As when processor.finished_retention has passed.
  expect(await landscape.streams.redis.del(keys.transaction(partitionOf('T1', PARTITIONS), 'T1'))).toBe(1);
  for (let late = 0; late < 4; late += 1) await post(`notify-${late}`, 'failed', 'shop');
  expect(await summaries()).toEqual(before);
  expect(
    await landscape.rows("SELECT count() AS logs FROM tranweave.tracking_log WHERE transaction_id = 'T1'"),
  ).toEqual([{ logs: 7 }]);
  // Whoever asks for the one is told what the list tells, and only who may see that.
  expect(await ask('/T1', EVERYTHING)).toEqual(answered);
  expect(await ask('', EVERYTHING)).toMatchObject([200, { items: [answered[1]] }]);
  for (const path of ['/T1', '/T1/logs']) expect(await ask(path, SHOP)).toMatchObject([404, {}]);
  const { stdout } = await run(process.execPath, [
    CLI,
    'trace',
    'T1',
    '--json',
    '--config',
    landscape.configFile,
  ]);
  expect(JSON.parse(stdout)).toEqual(answered[1]);
}, 90_000);
