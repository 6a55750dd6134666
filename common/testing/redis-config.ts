import * as v from 'valibot';
import { redisConfigSchema } from '../redis/connection.ts';
import type { RedisConfig } from '../redis/connection.ts';
import type { TestRedis } from './redis-server.ts';

/** The config section `redis:` for a test's server, defaults for the rest. */
export function testRedisConfig(server: Pick<TestRedis, 'url'>): RedisConfig {
  return v.parse(redisConfigSchema, { url: server.url });
}
