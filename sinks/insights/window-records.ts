import { reply } from '../../common/redis/redis-error.ts';
import type { Combining } from './combiner.ts';
import { laneKeys } from './lane-keys.ts';
import type { Generation } from './lane-keys.ts';
import { decodeLosses } from './lane-reader.ts';
import { emptyRecord } from './rows.ts';
import type { WindowRecord } from './rows.ts';

type Where = Pick<Combining, 'redis' | 'keys' | 'partitions'>;

/** Windows that have something in any partition, with when the first transaction came. */
export async function readWindows(
  { redis, keys, partitions }: Where,
  generation: Generation,
): Promise<Map<number, number>> {
  const found = await Promise.all(
    Array.from({ length: partitions }, (_, partition) => {
      const key = laneKeys(keys, partition, generation).windows;
      return reply(redis.hgetall(key), key);
    }),
  );
  const windows = new Map<number, number>();
  for (const [window, firstSeen] of found.flatMap((fields) => Object.entries(fields))) {
    const known = windows.get(Number(window)) ?? Infinity;
    windows.set(Number(window), Math.min(known, Number(firstSeen)));
  }
  return windows;
}

/** What was published of a window last. */
export async function readRecord(
  { redis, keys }: Where,
  { definition, generation }: Generation,
  window: number,
): Promise<WindowRecord> {
  const key = keys.insightWindows(definition.name, generation);
  const json = await reply(redis.hget(key, String(window)), key);
  return json === null ? emptyRecord() : (JSON.parse(json) as WindowRecord);
}

/** What was not counted of a window in all partitions. */
export async function lossesOf(
  { redis, keys, partitions }: Where,
  generation: Generation,
  window: number,
): Promise<Pick<WindowRecord, 'late' | 'left_out'>> {
  const found = await Promise.all(
    Array.from({ length: partitions }, (_, partition) => {
      const key = laneKeys(keys, partition, generation).losses;
      return reply(redis.hget(key, String(window)), key);
    }),
  );
  const losses = found.map((text) => decodeLosses(text ?? '0/0'));
  return {
    late: losses.reduce((sum, { late }) => sum + late, 0),
    left_out: losses.reduce((sum, { leftOut }) => sum + leftOut, 0),
  };
}
