import type { RedisClient } from '../common/redis/connection.ts';
import type { Keys } from '../common/redis/keys.ts';
import { reply } from '../common/redis/redis-error.ts';
import { loadScript } from '../common/redis/scripts.ts';
import { partitionOfOutcome } from './rows.ts';
import type { Kept } from './rows.ts';

/**
 * What a source had appended before the number of partitions was changed. A batch may have reached some partitions and not others
 * when the change came; divided anew, a row of it is known by the partition that it had then. `tranweave partitions` writes
 * this down; it is of no use, and goes, once the low-water mark is past it.
 */
export interface FormerPositions {
  /** Whether the row of the outcome was appended then. */
  has(outcome: Kept, end: number): boolean;
  /** Forgets them, here and in Redis, if the mark is past them all. */
  passed(lowWater: number): Promise<void>;
}

/** Nearly every source has none. */
const NO_FORMER: FormerPositions = { has: () => false, passed: async () => undefined };

const dropScript = loadScript(new URL('./former-positions-drop.lua', import.meta.url));

/** Throws a RetriableError when Redis is away. */
export async function readFormerPositions(
  redis: RedisClient,
  keys: Keys,
  source: string,
): Promise<FormerPositions> {
  const json = await reply(redis.hget(keys.formerPositions(), source));
  if (json === null) return NO_FORMER;
  let layouts = layoutsOf(json);
  return {
    has: (outcome, end) =>
      layouts.some(({ partitions, at }) => end <= (at.get(partitionOfOutcome(outcome, partitions)) ?? 0)),
    passed: async (lowWater) => {
      if (layouts.some(({ at }) => Math.max(...at.values()) > lowWater)) return;
      // Only as it was read: a change of now may have added to it.
      await dropScript.run(redis, [keys.formerPositions()], [source, json]);
      layouts = [];
    },
  };
}

interface Layout {
  partitions: number;
  /** Partition → position. */
  at: Map<number, number>;
}

function layoutsOf(json: string): Layout[] {
  const byPartitions = new Map<number, Layout>();
  for (const [name, position] of Object.entries(JSON.parse(json) as Record<string, string>)) {
    const [partitions = 1, partition = 0] = name.split(':').map(Number);
    const layout = byPartitions.get(partitions) ?? { partitions, at: new Map<number, number>() };
    layout.at.set(partition, Number(position));
    byPartitions.set(partitions, layout);
  }
  return [...byPartitions.values()];
}
