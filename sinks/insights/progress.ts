import type { RedisClient } from '../../common/redis/connection.ts';
import type { Keys } from '../../common/redis/keys.ts';
import { loadScript } from '../../common/redis/scripts.ts';

/** How far a partition is counted. */
export interface Progress {
  /** Everything that was published before this time is in its numbers: ms since 1970 by its stream's clock. */
  countedTo: number;
  /** Changes with every change of its numbers. */
  version: number;
}

const progressScript = loadScript(new URL('./progress.lua', import.meta.url));

/**
 * A partition that has nothing pending is counted up to now: the time is the stream's own, never the reader's, so that a backlog after an outage
 * closes no window before it has been counted.
 */
export async function readProgress(
  redis: RedisClient,
  keys: Keys,
  partition: number,
  group: string,
): Promise<Progress> {
  const answer = await progressScript.run(
    redis,
    [keys.stream(partition, 'summary'), keys.insightLane(partition)],
    [group],
  );
  const [now, all, counted, version] = (answer as Buffer[]).map(String);
  // Of the last millisecond more may come.
  const upTo = all === '1' ? Number(now) : Number(counted || '0');
  return { countedTo: upTo - 1, version: Number(version || '0') };
}
