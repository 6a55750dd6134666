import { getEventListeners } from 'node:events';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { silentLogger } from '../logger.ts';
import { testRedisConfig } from '../testing/redis-config.ts';
import { startRedis } from '../testing/redis-server.ts';
import type { TestRedis } from '../testing/redis-server.ts';
import { until } from '../testing/until.ts';
import { describeError, ForeignDataError, RetriableError } from '../errors.ts';
import { LOG_COLUMNS } from '../log-row.ts';
import { connectBlocking, untilReady } from './connection.ts';
import type { RedisClient } from './connection.ts';
import { createStreamReader, disconnectOn } from './stream-reader.ts';

let server: TestRedis;
let redis: RedisClient;
let blocking: RedisClient;
beforeAll(async () => {
  server = await startRedis();
  redis = await server.client();
  blocking = connectBlocking(redis, testRedisConfig(server), silentLogger(), 's');
  await Promise.all([untilReady(redis, 5_000), untilReady(blocking, 5_000)]);
});
beforeEach(async () => {
  await untilReady(blocking, 5_000);
  await redis.flushall();
});
afterAll(async () => {
  blocking.disconnect();
  await server.stop();
});

const reader = () => createStreamReader(blocking, 's', 'log', 1e6);
test('entries of a newer release are not read past: their columns would vanish without a word', async () => {
  const fields = (columns: number) => ['v', '1', 'n', '1', 'c', String(columns), 'logs', '[]\n'];
  await redis.xadd('newer', '*', ...fields(LOG_COLUMNS.length));
  const id = await redis.xadd('newer', '*', ...fields(LOG_COLUMNS.length + 1));
  const newer = createStreamReader(redis, 'newer', 'log', 1e6);
  const error: unknown = await newer.read('0-0', 0).catch((e: unknown) => e);
  expect(error).toBeInstanceOf(RetriableError);
  expect(describeError(error)).toBe(
    `entry ${id} of newer was written by a newer release: bring this process up to date`,
  );
});

/** What is added first has the id of another time, since a stream that is made anew within the millisecond gives the same id again. */
const FIRST_ID = '1-1';
const add = (stream = 's', id = '*') => redis.xadd(stream, id, 'v', '1', 'n', '1', 'logs', '{}\n');
/** A read that is waiting in Redis by now, for so long at most. */
async function blockedRead(afterId: string, blockMs: number) {
  const reading = reader().read(afterId, blockMs);
  await until('it is blocked', async () => (await redis.info('clients')).includes('blocked_clients:1'));
  return { reading };
}

test('R12: a read that waited in vain is answered by nil, which is no entries', async () => {
  expect(await reader().read('0', 10)).toEqual([]);
  await add();
  expect(await reader().read('$', 10)).toEqual([]);
});

test('R12: an entry that is deleted as soon as it was added is none, however the read is answered', async () => {
  const { reading } = await blockedRead('0', 1_000);
  await redis.eval("redis.call('XDEL', KEYS[1], redis.call('XADD', KEYS[1], '*', 'v', '1'))", 1, 's');
  expect(await reading).toEqual([]);
});

test('R10: a read is not told that its stream is deleted; it waits on, and gets what comes later', async () => {
  await add('s', FIRST_ID);
  const { reading } = await blockedRead('$', 5_000);
  await redis.del('s');
  const id = await add();
  expect((await reading).map((entry) => entry.id)).toEqual([id]);
});

test('R9: a read gets what is in a stream that is renamed to its own', async () => {
  await add('s', FIRST_ID);
  const id = await add('other');
  const { reading } = await blockedRead('$', 5_000);
  await redis.rename('other', 's');
  const later = await add();
  const ids = (await reading).map((entry) => entry.id);
  expect([id, later]).toEqual(expect.arrayContaining(ids));
});

test('R8: a read of what is no stream is refused, naming the key', async () => {
  await redis.set('s', 'x');
  await expect(reader().read('0', 10)).rejects.toThrow(ForeignDataError);
  await expect(reader().read('0', 10)).rejects.toThrow('under s');
});

test('R1, R2: entries that were deleted are left out of a range, and their neighbours come', async () => {
  const ids = [await add(), await add(), await add()];
  await redis.xdel('s', ids[1]!);
  expect((await reader().range(ids[0]!, ids[2]!)).map(({ id }) => id)).toEqual([ids[0], ids[2]]);
});

test('a connection is ended with its claim, or before; and then nothing of it is left at the claim', async () => {
  const claim = new AbortController();
  const [first, second] = [0, 1].map(() =>
    connectBlocking(redis, testRedisConfig(server), silentLogger(), 's'),
  );
  const end = disconnectOn(claim.signal, first!);
  disconnectOn(claim.signal, second!);
  end();
  expect(getEventListeners(claim.signal, 'abort').length).toBe(1);
  await until('the first has ended', () => first!.status === 'end');
  claim.abort();
  await until('the second has ended', () => second!.status === 'end');
});
