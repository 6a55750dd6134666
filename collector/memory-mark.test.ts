import { afterEach, beforeEach, expect, test } from 'vitest';
import { systemClock } from '../common/clock.ts';
import { BackPressureError } from '../common/errors.ts';
import { silentLogger } from '../common/logger.ts';
import type { RedisClient } from '../common/redis/connection.ts';
import { createKeys } from '../common/redis/keys.ts';
import { startRedis } from '../common/testing/redis-server.ts';
import type { TestRedis } from '../common/testing/redis-server.ts';
import { until } from '../common/testing/until.ts';
import { createAppender } from './append.ts';
import { createMemoryMark } from './memory-mark.ts';
import type { MemoryMark } from './memory-mark.ts';

const keys = createKeys('t');
let server: TestRedis;
let redis: RedisClient;
let mark: MemoryMark;
let stop: AbortController;
let watching: Promise<void>;

beforeEach(async () => {
  server = await startRedis({ extraArgs: ['--maxmemory', '40mb'] });
  redis = await server.client();
  stop = new AbortController();
  const clock = {
    ...systemClock,
    sleep: (_ms: number, signal?: AbortSignal) => systemClock.sleep(10, signal),
  };
  mark = createMemoryMark({ redis, percentMax: 60, clock, logger: silentLogger() });
  watching = mark.watch(stop.signal);
});
afterEach(async () => {
  stop.abort();
  await watching;
  await server.stop();
});

function append(): Promise<void> {
  const appender = createAppender({
    redis,
    keys,
    partitions: 1,
    streamEntriesMax: 1000,
    pendingBytesMax: 1e6,
    memoryReached: () => mark.reached(),
  });
  const letter = { event_id: 'e1', stage: 'decode', input: 'i', channel: 'http', reason: 'r', meta: {} };
  const dead_letter = { ...letter, ingest_time: '2026-01-31T09:15:00.000000Z', raw_base64: '' };
  return appender.append([{ kind: 'dead_letter', dead_letter, issues: [] }]);
}

test("nothing is added while Redis' memory is past the mark, long before Redis itself refuses, and all goes on afterwards", async () => {
  await append();
  expect(mark.reached()).toBe(undefined);
  await redis.setrange('somebody-elses', 25 * 1024 * 1024, 'x');
  await until('the mark is reached', () => mark.reached() !== undefined);
  await expect(append()).rejects.toThrow(BackPressureError);
  await expect(append()).rejects.toThrow(/^Redis has filled \d+% of its memory; collectors stop at 60%$/);
  // Redis itself would have taken it.
  expect(await redis.set('small', 'x')).toBe('OK');
  await redis.del('somebody-elses');
  await until('there is room', () => mark.reached() === undefined);
  await append();
  expect(await redis.xlen(keys.stream(0, 'dead_letter'))).toBe(2);
});

test('the mark stays as it was while Redis is away', async () => {
  await redis.setrange('somebody-elses', 25 * 1024 * 1024, 'x');
  await until('the mark is reached', () => mark.reached() !== undefined);
  await server.kill();
  await until('the connection is gone', () => redis.status !== 'ready');
  expect(mark.reached()).not.toBe(undefined);
  await server.restart();
  await until('it is back', () => redis.status === 'ready');
  await redis.del('somebody-elses');
  await until('there is room', () => mark.reached() === undefined);
});
