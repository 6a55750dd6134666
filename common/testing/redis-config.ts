import * as v from 'valibot';
import { redisConfigSchema } from '../redis/connection.ts';
import type { RedisConfig } from '../redis/connection.ts';
import type { TestRedisCluster } from './redis-cluster.ts';
import type { TestRedis } from './redis-server.ts';

/** The config section `redis:` for a test's server or Cluster, defaults for the rest. */
export function testRedisConfig(
  server: Pick<TestRedis, 'url'> | Pick<TestRedisCluster, 'addresses'>,
): RedisConfig {
  return v.parse(redisConfigSchema, 'url' in server ? { url: server.url } : { cluster: server.addresses });
}
