import { expect, test } from 'vitest';
import { partitionOf } from '../common/partition.ts';
import { createKeys } from '../common/redis/keys.ts';
import { createLandscape, PARTITIONS } from './support/landscape.ts';

const keys = createKeys('tranweave');

test('a log of a transaction that Redis has forgotten is kept, and neither wipes nor forks what ClickHouse knows', async () => {
  await using landscape = await createLandscape();
  await Promise.all([landscape.start('collector'), landscape.start('processor'), landscape.start('sinks')]);
  const post = async (step: string, status: string) => {
    const log = {
      transaction_id: 'T1',
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
  for (const step of ['send', 'hub', 'receive']) await post(step, 'succeeded');
  expect(await summaries()).toMatchObject([{ status: 'completed', steps_finished: 3 }]);
  const before = await summaries();
  // As when processor.finished_retention has passed.
  expect(await landscape.streams.redis.del(keys.transaction(partitionOf('T1', PARTITIONS), 'T1'))).toBe(1);
  for (let late = 0; late < 4; late += 1) await post(`notify-${late}`, 'failed');
  expect(await summaries()).toEqual(before);
  expect(
    await landscape.rows("SELECT count() AS logs FROM tranweave.tracking_log WHERE transaction_id = 'T1'"),
  ).toEqual([{ logs: 7 }]);
}, 60_000);
