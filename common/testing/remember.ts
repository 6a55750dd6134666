import type { RedisClient } from '../redis/connection.ts';

/**
 * Keys as they are now. Calling the result puts them back to that, as a failover to a replica does that lacks what came since.
 */
export async function remember(redis: RedisClient, keys: readonly string[]): Promise<() => Promise<void>> {
  const dumps = await Promise.all(keys.map((key) => redis.dumpBuffer(key)));
  return async () => {
    for (const [index, key] of keys.entries()) {
      const dump = dumps[index] ?? null;
      if (dump === null) await redis.del(key);
      else await redis.restore(key, 0, dump, 'REPLACE');
    }
  };
}
