import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { FatalError, FencedError, ForeignDataError } from '../../common/errors.ts';
import type { RedisClient } from '../../common/redis/connection.ts';
import { createKeys } from '../../common/redis/keys.ts';
import { startRedis } from '../../common/testing/redis-server.ts';
import type { TestRedis } from '../../common/testing/redis-server.ts';
import type { AlertMessage } from './message.ts';
import { createSilenceStore } from './silences.ts';
import { createAlertStore } from './store.ts';
import { testMessage } from './test-message.ts';

/** States, messages and silences in a real Redis. */

const keys = createKeys('tranweave');
const RESOLUTION = 10_000;
let server: TestRedis;
let redis: RedisClient;
beforeAll(async () => {
  server = await startRedis();
  redis = await server.client();
});
afterAll(() => server.stop());
beforeEach(() => redis.flushall());

const newStore = (resolution = RESOLUTION) => createAlertStore(redis, keys, resolution);
const nothing = { alerts: [], memories: {} };
const message = (i: number, channels: string[] = []): AlertMessage => ({
  ...testMessage(i, `m${i}`),
  channels,
});
const idsOf = async (after: string) => (await newStore().read(after)).map(({ message: one }) => one?.id);

test('whoever takes the states over finds them, and the former owner changes nothing any more', async () => {
  const store = newStore();
  expect(await store.take(1, [])).toMatchObject({ next: undefined, state: undefined });
  const state = { alerts: [], memories: { rule: [{ labels: {}, silent: 5 }] } };
  await store.commit(1, 20_000, state, [message(1)]);
  expect(await newStore().take(2, [])).toMatchObject({ next: 20_000, state });
  await expect(store.commit(1, 30_000, nothing, [message(2)])).rejects.toThrow(FencedError);
  await expect(store.move(1, 'mail', '1-0', ['mail'])).rejects.toThrow(FencedError);
  await expect(store.take(1, [])).rejects.toThrow(FencedError);
  expect(await idsOf('0-0')).toEqual(['m1']);
  expect((await store.look()).next).toBe(20_000);
});

test('with buckets of another length it is begun anew, with the same alerts', async () => {
  await newStore().take(1, []);
  await newStore().commit(1, 20_000, { alerts: [], memories: { r: 1 } }, []);
  expect(await newStore(5000).take(2, [])).toMatchObject({ next: undefined, state: { memories: { r: 1 } } });
});

test('a channel gets what is told after it was configured; what all have is dropped', async () => {
  const store = newStore();
  await store.take(1, ['mail']);
  await store.commit(1, 10_000, nothing, [message(1), message(2)]);
  const { positions } = await store.take(2, ['mail', 'new']);
  expect(await idsOf(positions.get('mail')!)).toEqual(['m1', 'm2']);
  expect(await idsOf(positions.get('new')!)).toEqual([]);
  await store.commit(2, 20_000, nothing, [message(3)]);
  const all = await store.read('0-0');
  await store.move(2, 'mail', all[2]!.id, ['mail', 'new']);
  expect(await idsOf('0-0')).toEqual(['m3']);
  await store.move(2, 'new', all[2]!.id, ['mail', 'new']);
  expect(await idsOf('0-0')).toEqual([]);
});

test('messages that nobody takes are bounded: the oldest go', async () => {
  const store = newStore();
  await store.take(1, ['mail']);
  for (let i = 0; i < 3; i += 1)
    await store.commit(
      1,
      10_000,
      nothing,
      Array.from({ length: 4000 }, (_, at) => message(i * 4000 + at)),
    );
  expect(await redis.xlen(keys.alertOutbox())).toBe(10_000);
  expect((await store.read('0-0'))[0]?.message?.id).toBe('m2000');
});

test('what somebody put there is told as such', async () => {
  await redis.hset(keys.alertState(), 'states', 'no JSON');
  await expect(newStore().take(1, [])).rejects.toThrow(ForeignDataError);
  await redis.xadd(keys.alertOutbox(), '*', 'message', '{}');
  expect(await idsOf('0-0')).toEqual([undefined]);
});

test('silences are added, found and removed, and there is a bound', async () => {
  const store = createSilenceStore(redis, keys);
  const silence = (id: string, from: number) => ({
    id,
    where: { rule: 'a' },
    from,
    until: from + 1000,
    by: 'me',
    comment: '',
  });
  const month = 31 * 86_400_000;
  await store.add(silence('old', 0));
  await store.add(silence('new', month));
  expect((await store.all()).map(({ id }) => id)).toEqual(['new']);
  expect([await store.remove('new'), await store.remove('new')]).toEqual([true, false]);
  for (let i = 0; i < 1000; i += 1)
    await redis.hset(keys.alertSilences(), `s${i}`, JSON.stringify(silence(`s${i}`, month)));
  await expect(store.add(silence('one more', month))).rejects.toThrow(FatalError);
});
