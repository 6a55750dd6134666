import { afterAll, beforeAll, expect, test } from 'vitest';
import { silentLogger } from '../logger.ts';
import { testRedisConfig } from '../testing/redis-config.ts';
import { startRedis } from '../testing/redis-server.ts';
import type { TestRedis } from '../testing/redis-server.ts';
import { connectRedis, untilReady } from './connection.ts';
import type { RedisClient } from './connection.ts';
import { streamInfo } from './groups.ts';
import { lostEntries } from './loss.ts';

let server: TestRedis;
let redis: RedisClient;
beforeAll(async () => {
  server = await startRedis();
  redis = connectRedis(testRedisConfig(server), silentLogger());
  await untilReady(redis, 5_000);
});
afterAll(async () => {
  redis.disconnect();
  await server.stop();
});

const lost = async (stream: string, lastId: string, entriesRead: number | null) => {
  const info = await streamInfo(redis, stream);
  return info === null ? 'no stream' : lostEntries(info, { lastId, entriesRead });
};

test('entries that were trimmed before they were read are counted, whatever is left', async () => {
  const ids: string[] = [];
  for (let i = 0; i < 10; i += 1) ids.push((await redis.xadd('s', '*', 'i', String(i)))!);
  expect(await lost('s', '0-0', 0)).toBe(0);
  expect(await lost('s', ids[3]!, 4)).toBeNull();
  await redis.xtrim('s', 'MINID', ids[4]!);
  expect(await lost('s', ids[3]!, 4)).toBe(0);
  await redis.xtrim('s', 'MINID', ids[7]!);
  expect(await lost('s', ids[3]!, 4)).toBe(3);
  await redis.xtrim('s', 'MAXLEN', 0);
  expect(await lost('s', ids[3]!, 4)).toBe(6);
  expect(await lost('s', ids[9]!, 10)).toBe(0);
  expect(await lost('s', ids[9]!, null)).toBeNull();
});

test('an entry that was deleted in the middle shows once the reader has reached the end', async () => {
  const ids: string[] = [];
  for (let i = 0; i < 5; i += 1) ids.push((await redis.xadd('d', '*', 'i', String(i)))!);
  await redis.xdel('d', ids[2]!);
  expect(await lost('d', ids[4]!, 4)).toBe(1);
});
