import { afterAll, beforeAll, expect, test } from 'vitest';
import { FatalError } from '../errors.ts';
import { startRedis } from '../testing/redis-server.ts';
import type { TestRedis } from '../testing/redis-server.ts';
import type { RedisClient } from './connection.ts';
import { joinDeployment } from './deployment.ts';
import { createKeys } from './keys.ts';

let server: TestRedis;
let redis: RedisClient;
beforeAll(async () => {
  server = await startRedis();
  redis = await server.client();
});
afterAll(() => server.stop());

test('the first role fixes the number of partitions; one with another number is told what to do', async () => {
  await joinDeployment(redis, createKeys('a'), 8);
  await joinDeployment(redis, createKeys('a'), 8);
  const join = joinDeployment(redis, createKeys('a'), 4);
  await expect(join).rejects.toThrow(FatalError);
  await expect(join).rejects.toThrow('has 8 partitions, but the config says 4. Set `partitions: 8`');
  await joinDeployment(redis, createKeys('b'), 4);
});

test('a Redis that would drop keys when it is full is refused', async () => {
  await redis.config('SET', 'maxmemory-policy', 'allkeys-lru');
  await expect(joinDeployment(redis, createKeys('a'), 8)).rejects.toThrow(
    'maxmemory-policy allkeys-lru and would drop logs',
  );
  await redis.config('SET', 'maxmemory-policy', 'noeviction');
});
