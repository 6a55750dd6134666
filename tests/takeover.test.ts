import { expect, test } from 'vitest';
import { PROCESSOR_GROUP } from '../common/redis/groups.ts';
import { createKeys } from '../common/redis/keys.ts';
import { until } from '../common/testing/until.ts';
import { createLandscape, PARTITIONS } from './support/landscape.ts';
import type { Landscape } from './support/landscape.ts';

const keys = createKeys('tranweave');

/** Replica → how many partitions it holds. */
async function holders({ streams }: Landscape): Promise<Map<string, number>> {
  const tokens = await streams.redis.mget(
    Array.from({ length: PARTITIONS }, (_, p) => keys.claim(p, PROCESSOR_GROUP)),
  );
  const counts = new Map<string, number>();
  for (const token of tokens) {
    const replica = token === null ? 'nobody' : token.slice(token.indexOf(':') + 1);
    counts.set(replica, (counts.get(replica) ?? 0) + 1);
  }
  return counts;
}

async function post(landscape: Landscape, ids: readonly string[], step: string): Promise<void> {
  const logs = ids.map((id) => ({
    transaction_id: id,
    step,
    status: 'succeeded',
    event_time: '2026-01-31T09:15:00Z',
  }));
  const response = await fetch(landscape.httpUrl, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(logs),
  });
  expect(await response.json()).toMatchObject({ accepted: ids.length });
}

const completed = async (landscape: Landscape) =>
  new Set(
    (await landscape.streams.summaries())
      .filter((s) => s.status === 'completed')
      .map((s) => s.transaction_id),
  );

test('three processors hold floor(N/R) or ceil(N/R) partitions each, and one that stops hands over at once, however far apart heartbeats are', async () => {
  await using landscape = await createLandscape({ claims: { ttl: '1h', heartbeat: '10m' } });
  const shares = async () => [...(await holders(landscape)).values()].sort((a, b) => a - b).join();
  const first = await landscape.start('processor');
  await until('one holds all', async () => (await shares()) === '4');
  const second = await landscape.start('processor');
  await until('two hold two each', async () => (await shares()) === '2,2');
  await landscape.start('processor');
  await until('three share', async () => (await shares()) === '1,1,2');
  expect(await second.stop()).toBe(0);
  await until('two hold two each again', async () => (await shares()) === '2,2');
  expect(await first.stop()).toBe(0);
  await until('the last holds all', async () => (await shares()) === '4');
}, 120_000);

test('a deadline passes also when the processor that knew of it died, and the transaction completes late', async () => {
  await using landscape = await createLandscape({
    default_flow: { steps: ['send', 'receive'], deadline: '2s' },
  });
  const [first] = [await landscape.start('processor'), await landscape.start('collector')];
  const ids = Array.from({ length: 50 }, (_, i) => `T${i}`);
  await post(landscape, ids, 'send');
  await until('all are known', async () => (await landscape.streams.summaries()).length === ids.length);
  first.kill('SIGKILL');
  await first.ended;
  await landscape.start('processor');
  const inState = async (status: string) =>
    (await landscape.streams.summaries()).filter((summary) => summary.status === status);
  await until('all have timed out', async () => (await inState('timed_out')).length === ids.length);
  await post(landscape, ids, 'receive');
  await until('all are completed', async () => (await inState('completed')).length === ids.length);
  expect((await inState('completed')).every((summary) => summary.late)).toBe(true);
}, 120_000);

test("two processors share the partitions; one that is killed is replaced by the other within its claims' time, and nothing is lost", async () => {
  await using landscape = await createLandscape();
  const [first, second] = [await landscape.start('processor'), await landscape.start('processor')];
  await landscape.start('collector');
  await until('each holds two', async () => [...(await holders(landscape)).values()].join() === '2,2');
  const ids = Array.from({ length: 200 }, (_, i) => `T${i}`);
  await post(landscape, ids, 'send');
  await post(landscape, ids, 'hub');
  first.kill('SIGKILL');
  await first.ended;
  await post(landscape, ids, 'receive');
  await until('the other holds all', async () => [...(await holders(landscape)).values()].join() === '4');
  await until('all are completed', async () => (await completed(landscape)).size === ids.length);
  expect(await second.stop()).toBe(0);
  expect([...(await holders(landscape)).keys()]).toEqual(['nobody']);
}, 120_000);

test('a processor that was paused until its claims were taken over changes nothing when it wakes, and takes part again', async () => {
  await using landscape = await createLandscape();
  const [paused] = [await landscape.start('processor'), await landscape.start('processor')];
  await landscape.start('collector');
  await until('each holds two', async () => [...(await holders(landscape)).values()].join() === '2,2');
  const ids = Array.from({ length: 200 }, (_, i) => `T${i}`);
  await post(landscape, ids, 'send');
  paused.kill('SIGSTOP');
  await post(landscape, ids, 'hub');
  await until('the other holds all', async () => [...(await holders(landscape)).values()].join() === '4');
  await post(landscape, ids, 'receive');
  await until('all are completed', async () => (await completed(landscape)).size === ids.length);
  const before = (await landscape.streams.summaries()).length;
  paused.kill('SIGCONT');
  await until('each holds two again', async () => [...(await holders(landscape)).values()].join() === '2,2');
  expect((await landscape.streams.summaries()).length).toBe(before);
  await post(
    landscape,
    ids.map((id) => `${id}b`),
    'send',
  );
  await until(
    'the new ones are woven',
    async () => (await landscape.streams.summaries()).length === before + ids.length,
  );
}, 120_000);
