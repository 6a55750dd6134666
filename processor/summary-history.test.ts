import { afterAll, beforeAll, expect, test } from 'vitest';
import { silentLogger } from '../common/logger.ts';
import type { RedisClient } from '../common/redis/connection.ts';
import { startRedis } from '../common/testing/redis-server.ts';
import type { TestRedis } from '../common/testing/redis-server.ts';
import { createHistoryKeeper } from './summary-history.ts';

const MEMORY = 64 * 1024 * 1024;
let server: TestRedis;
let redis: RedisClient;
beforeAll(async () => {
  server = await startRedis({ extraArgs: ['--maxmemory', String(MEMORY)] });
  redis = await server.client();
});
afterAll(() => server.stop());

const bounds = { ms: 60_000, entriesMax: 100, bytesMax: 1024 };
const keeperOf = (history: Parameters<typeof createHistoryKeeper>[0]['history']) =>
  createHistoryKeeper({ redis, history, logger: silentLogger() });

test('the history is given up before Redis is so full that collectors stop, and kept again when there is room', async () => {
  const keeper = keeperOf({ ...bounds, memoryPercentMax: 50 });
  await keeper.look();
  expect(keeper.kept()).toMatchObject(bounds);
  // Below the mark of collectors, above nine tenths of it.
  const percent = async () =>
    (100 * Number(/^used_memory:(\d+)/m.exec(await redis.info('memory'))![1])) / MEMORY;
  for (let i = 0; (await percent()) < 46; i += 1) await redis.set(`filler ${i}`, Buffer.alloc(500_000));
  expect(await percent()).toBeLessThan(50);
  await keeper.look();
  expect(keeper.kept()).toBeUndefined();
  await redis.flushall();
  await keeper.look();
  expect(keeper.kept()).toMatchObject(bounds);
});

test('without an API, or with a history of no time, nothing is kept', async () => {
  for (const history of [undefined, { ...bounds, ms: 0, memoryPercentMax: 80 }]) {
    const keeper = keeperOf(history);
    await keeper.look();
    expect(keeper.kept()).toBeUndefined();
  }
});
