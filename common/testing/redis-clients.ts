import * as v from 'valibot';
import { silentLogger } from '../logger.ts';
import { connectRedis, redisConfigSchema, untilReady } from '../redis/connection.ts';
import type { RedisClient, RedisConfig } from '../redis/connection.ts';

/** The clients of a test's server or Cluster, which end with it. */
export interface TestRedisClients {
  /** One as roles have it, connected and silent. */
  readonly client: (settings?: Partial<RedisConfig>) => Promise<RedisClient>;
  readonly disconnect: () => void;
}

const READY_TIMEOUT_MS = 5_000;

/** @param where `url` or `cluster` of the config section `redis:`. */
export function createClients(where: v.InferInput<typeof redisConfigSchema>): TestRedisClients {
  const clients: RedisClient[] = [];
  return {
    client: async (settings) => {
      const client = connectRedis({ ...v.parse(redisConfigSchema, where), ...settings }, silentLogger());
      clients.push(client);
      await untilReady(client, READY_TIMEOUT_MS);
      return client;
    },
    disconnect: () => {
      for (const client of clients) client.disconnect();
    },
  };
}
