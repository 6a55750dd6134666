import { partitionOf } from '../../common/partition.ts';
import type { RedisClient } from '../../common/redis/connection.ts';
import type { Keys } from '../../common/redis/keys.ts';
import { reply } from '../../common/redis/redis-error.ts';
import { loadScript } from '../../common/redis/scripts.ts';
import { forget, scanHash, scanScores } from './dirty.ts';
import { laneKeys } from './lane-keys.ts';
import type { Generation } from './lane-keys.ts';

/**
 * When the number of partitions has been changed (docs/partitions.md), a transaction is in another one, and what is remembered of it must be there. Its numbers stay where they
 * were added: those of all partitions that ever were are put together, and where it lives now they are taken out, below nothing if need be. A window that is closed is closed
 * in partitions that are new too: what comes late must be late there.
 *
 * Whoever puts partitions together moves them first; until then no partition counts.
 */
export interface LayoutDeps {
  redis: RedisClient;
  keys: Keys;
  /** How many there are now. */
  partitions: number;
}

/** Fields of the insights' state: the number of partitions by which transactions lie, and the most there ever were. */
export const LAYOUT = 'layout';
const PARTITIONS_MAX = 'partitions_max';

const moveScript = loadScript(new URL('./move-in.lua', import.meta.url));
const closeScript = loadScript(new URL('./close.lua', import.meta.url));
/** A partition that there always was. */
const FIRST = 0;

/** Whether transactions lie as they should; where nothing has been counted yet they do. */
export async function isLaidOut({ redis, keys, partitions }: LayoutDeps): Promise<boolean> {
  const key = keys.insights();
  await reply(redis.hsetnx(key, LAYOUT, String(partitions)), key);
  return (await reply(redis.hget(key, LAYOUT), key)) === String(partitions);
}

/** How many partitions have numbers: the most there ever were. */
export async function partitionsEver({ redis, keys, partitions }: LayoutDeps): Promise<number> {
  const [layout, most] = await reply(redis.hmget(keys.insights(), LAYOUT, PARTITIONS_MAX), keys.insights());
  return Math.max(partitions, Number(layout ?? 0), Number(most ?? 0));
}

/**
 * Moves what is remembered to where it belongs; safe to be interrupted at any moment, and done again. Returns how many were moved.
 *
 * @param fence of whoever puts partitions together.
 */
export async function layOut(
  deps: LayoutDeps,
  generations: readonly Generation[],
  fence: number,
  signal: AbortSignal,
): Promise<number> {
  const { redis, keys, partitions } = deps;
  const most = await partitionsEver(deps);
  await reply(redis.hset(keys.insights(), PARTITIONS_MAX, String(most)), keys.insights());
  let moved = 0;
  for (const generation of generations) {
    await closeInAll(deps, generation, fence, signal);
    for (let from = 0; from < most; from += 1) {
      const { members } = laneKeys(keys, from, generation);
      for await (const page of scanHash(redis, members)) {
        if (signal.aborted) return moved;
        const strays = page.filter(([id]) => partitionOf(id, partitions) !== from);
        await moveOut(deps, generation, members, strays);
        moved += strays.length;
      }
    }
  }
  if (!signal.aborted) await reply(redis.hset(keys.insights(), LAYOUT, String(partitions)), keys.insights());
  return moved;
}

/**
 * Which partitions are new is not known any more once this was interrupted, so it goes to all: where a window is closed already, nothing changes. The first partition
 * knows of each, since a window is put away when it is closed everywhere; one that is closed in some of them only is still due, and will be closed in all.
 */
async function closeInAll(
  { redis, keys, partitions }: LayoutDeps,
  generation: Generation,
  fence: number,
  signal: AbortSignal,
): Promise<void> {
  for await (const page of scanScores(redis, laneKeys(keys, FIRST, generation).closed)) {
    if (signal.aborted) return;
    await Promise.all(
      Array.from({ length: partitions }, (_, partition) =>
        closeScript.run(
          redis,
          [keys.insightLane(partition), laneKeys(keys, partition, generation).closed],
          // None is forgotten here.
          [fence, '-inf', ...page.flat()],
        ),
      ),
    );
  }
}

async function moveOut(
  { redis, keys, partitions }: LayoutDeps,
  generation: Generation,
  from: string,
  strays: readonly [string, string][],
): Promise<void> {
  const byPartition = new Map<number, [string, string][]>();
  for (const stray of strays) {
    const to = partitionOf(stray[0], partitions);
    byPartition.set(to, [...(byPartition.get(to) ?? []), stray]);
  }
  for (const [to, members] of byPartition) {
    await moveScript.run(redis, [laneKeys(keys, to, generation).members], members.flat());
    await forget(redis, from, members);
  }
}
