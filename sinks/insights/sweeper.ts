import type { Clock } from '../../common/clock.ts';
import { reply } from '../../common/redis/redis-error.ts';
import type { RedisClient } from '../../common/redis/connection.ts';
import type { Keys } from '../../common/redis/keys.ts';
import { scanKeys } from '../../common/redis/scan.ts';
import { loadScript } from '../../common/redis/scripts.ts';
import { scanHash } from './dirty.ts';
import { laneKeys } from './lane-keys.ts';
import type { Generation } from './lane-keys.ts';
import type { Progress } from './progress.ts';

/** Forgets what nobody needs any more: transactions of closed windows, windows beyond the history, and what former generations left. */
export interface Sweeper {
  sweepWhenDue(
    generations: readonly Generation[],
    progress: readonly Progress[],
    signal: AbortSignal,
  ): Promise<void>;
  /** There is something to forget. */
  windowsClosed(): void;
}

export interface SweeperDeps {
  redis: RedisClient;
  keys: Keys;
  partitions: number;
  clock: Clock;
}

/** At the latest; sooner when windows have been closed, but not more often than that. */
const SWEEP_MS = 600_000;
const SWEEP_MS_MIN = 10_000;

const sweepScript = loadScript(new URL('./sweep.lua', import.meta.url));

export function createSweeper(deps: SweeperDeps): Sweeper {
  const { clock } = deps;
  // A former holder of the claim may have left some.
  let sweptAt = -Infinity;
  let hasClosed = false;
  return {
    windowsClosed: () => {
      hasClosed = true;
    },
    sweepWhenDue: async (generations, progress, signal) => {
      const isFirst = sweptAt === -Infinity;
      const passed = clock.now() - sweptAt;
      if (passed < (hasClosed ? SWEEP_MS_MIN : SWEEP_MS)) return;
      sweptAt = clock.now();
      hasClosed = false;
      for (const generation of generations) {
        for (const [partition, { countedTo }] of progress.entries()) {
          await sweepMembers(deps, partition, generation, countedTo, signal);
          await sweepBeyondHistory(deps, partition, generation, countedTo);
        }
        // Once: it looks at every key there is.
        if (isFirst) await sweepFormer(deps, generation, signal);
      }
    },
  };
}

async function sweepMembers(
  { redis, keys }: SweeperDeps,
  partition: number,
  generation: Generation,
  countedTo: number,
  signal: AbortSignal,
): Promise<void> {
  const { members, closed } = laneKeys(keys, partition, generation);
  for await (const page of scanHash(redis, members)) {
    if (signal.aborted) return;
    await sweepScript.run(redis, [members, closed], [String(countedTo), ...page.map(([id]) => id)]);
  }
}

/** Records and losses of windows that nothing can come for any more but as late beyond all knowing. */
async function sweepBeyondHistory(
  { redis, keys }: SweeperDeps,
  partition: number,
  generation: Generation,
  countedTo: number,
): Promise<void> {
  const { definition } = generation;
  const { losses } = laneKeys(keys, partition, generation);
  const hashes = [
    losses,
    ...(partition === 0 ? [keys.insightWindows(definition.name, generation.generation)] : []),
  ];
  for (const key of hashes) {
    for await (const page of scanHash(redis, key)) {
      const old = page
        .map(([window]) => window)
        .filter((window) => isPast(definition, Number(window), countedTo));
      if (old.length > 0) await reply(redis.hdel(key, ...old), key);
    }
  }
}

function isPast(
  { windows, historyMs }: Generation['definition'],
  window: number,
  countedTo: number,
): boolean {
  // Twice, so that what comes for one beyond the history can still be seen for a while.
  return windows(window).end < countedTo - 2 * historyMs;
}

/** Keys of generations before this one: their windows are never closed, and what they published stands as it was. */
async function sweepFormer(
  { redis, keys }: SweeperDeps,
  { definition, generation }: Generation,
  signal: AbortSignal,
): Promise<void> {
  for (const match of [
    keys.insightPartsMatch(definition.name),
    keys.insightGenerationsMatch(definition.name),
  ]) {
    for await (const page of scanKeys(redis, match)) {
      if (signal.aborted) return;
      const former = page.filter((key) => isOfFormer(key, definition.name, generation));
      await Promise.all(former.map((key) => reply(redis.unlink(key), key)));
    }
  }
}

function isOfFormer(key: string, name: string, generation: string): boolean {
  const of = new RegExp(`^[^:]+:\\{[^}]+\\}:(?:insight|windows|pending):${name}:(\\d{8}T\\d{9})(?::|$)`).exec(
    key,
  )?.[1];
  return of !== undefined && of < generation;
}
