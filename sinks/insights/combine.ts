import type { RedisClient } from '../../common/redis/connection.ts';
import type { Keys } from '../../common/redis/keys.ts';
import { reply } from '../../common/redis/redis-error.ts';
import { laneKeys } from './lane-keys.ts';
import type { Generation } from './lane-keys.ts';
import type { Combined } from './measures.ts';
import { addPartials, decodePartial, emptyPartial } from './partial.ts';
import type { Partial } from './partial.ts';
import { readHashes } from './read-hashes.ts';

/** Puts together what all partitions have of groups of a window. */
export async function combine(
  redis: RedisClient,
  keys: Keys,
  partitions: number,
  generation: Generation,
  window: number,
  groups: readonly string[],
): Promise<Map<string, Combined>> {
  const { inputs } = generation.definition;
  const combined = new Map<string, { partial: Partial; counts: Map<number, Map<string, number>> }>();
  for (const group of groups) combined.set(group, { partial: emptyPartial(inputs), counts: new Map() });
  const withValues = inputs.flatMap((input, index) => (input.values ? [index] : []));
  await Promise.all(
    Array.from({ length: partitions }, async (_, partition) => {
      const lane = laneKeys(keys, partition, generation);
      const [partials] = await readHashes(redis, [{ key: lane.groups(window), fields: groups }]);
      await Promise.all(
        [...(partials?.fields ?? [])].map(async ([group, json]) => {
          const known = combined.get(group);
          if (known === undefined) return;
          known.partial = addPartials(known.partial, decodePartial(json));
          for (const input of withValues)
            await addCounts(redis, lane.values(window, input, group), known.counts, input);
        }),
      );
    }),
  );
  return combined;
}

async function addCounts(
  redis: RedisClient,
  key: string,
  counts: Map<number, Map<string, number>>,
  input: number,
): Promise<void> {
  const found = await reply(redis.hgetall(key), key);
  const sums = counts.get(input) ?? new Map<string, number>();
  counts.set(input, sums);
  for (const [value, count] of Object.entries(found)) {
    const sum = (sums.get(value) ?? 0) + Number(count);
    // One partition may have added it and another taken it out.
    if (sum === 0) sums.delete(value);
    else sums.set(value, sum);
  }
}
