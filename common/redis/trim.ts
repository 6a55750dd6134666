import type { RedisClient } from './connection.ts';
import { STREAM_KINDS } from './keys.ts';
import type { Keys } from './keys.ts';
import { loadScript } from './scripts.ts';

const trimScript = loadScript(new URL('./trim.lua', import.meta.url));

/** Drops what every group of a partition's streams has. Returns how many entries went. */
export async function trimPartition(redis: RedisClient, keys: Keys, partition: number): Promise<number> {
  let dropped = 0;
  for (const kind of STREAM_KINDS) {
    dropped += Number(await trimScript.run(redis, [keys.stream(partition, kind)], []));
  }
  return dropped;
}
