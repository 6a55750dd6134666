import type { RedisClient } from '../../common/redis/connection.ts';
import type { Keys } from '../../common/redis/keys.ts';
import { reply } from '../../common/redis/redis-error.ts';
import { loadScript } from '../../common/redis/scripts.ts';

/** Sources of one call. */
const SCAN_COUNT = 500;

const noteScript = loadScript(new URL('./former-positions-note.lua', import.meta.url));

/**
 * Remembers how far each source got in each of so many partitions, for collectors that divide by another number afterwards
 * (collector/former-positions.ts). It states what is and was so, hence it may be done again, and does no harm if the change is taken back.
 */
export async function noteFormerPositions(
  redis: RedisClient,
  keys: Keys,
  partitions: number,
  signal: AbortSignal,
): Promise<void> {
  for (let partition = 0; partition < partitions; partition += 1) {
    let cursor = '0';
    do {
      if (signal.aborted) return;
      const [next, found] = await reply(redis.hscan(keys.positions(partition), cursor, 'COUNT', SCAN_COUNT));
      if (found.length > 0) {
        await noteScript.run(redis, [keys.formerPositions()], [`${partitions}:${partition}`, ...found]);
      }
      cursor = next;
    } while (cursor !== '0');
  }
}
