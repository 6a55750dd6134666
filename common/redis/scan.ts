import { mastersOf } from './connection.ts';
import type { RedisClient } from './connection.ts';
import { reply } from './redis-error.ts';

/** Keys that one call of SCAN looks at. */
const SCAN_COUNT = 500;

/**
 * The keys that match, page by page, of every master of a Cluster. A key that is there all the while comes at least once, one that
 * comes or goes meanwhile may or may not. Throws a RetriableError when Redis is away: the scan starts over then.
 *
 * @param match as SCAN's MATCH has it: `*` for anything.
 */
export async function* scanKeys(redis: RedisClient, match: string): AsyncGenerator<string[]> {
  for (const node of mastersOf(redis)) {
    let cursor = '0';
    do {
      const [next, keys] = await reply(node.scan(cursor, 'MATCH', match, 'COUNT', SCAN_COUNT));
      if (keys.length > 0) yield keys;
      cursor = next;
    } while (cursor !== '0');
  }
}
