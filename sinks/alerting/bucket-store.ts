import { PROCESSOR_GROUP } from '../../common/redis/groups.ts';
import type { RedisClient } from '../../common/redis/connection.ts';
import type { Keys } from '../../common/redis/keys.ts';
import { reply } from '../../common/redis/redis-error.ts';
import { loadScript } from '../../common/redis/scripts.ts';
import { decodeBucket } from './bucket-code.ts';
import type { Bucket } from './count.ts';

/** What was counted, as whoever evaluates reads it. */

const closeScript = loadScript(new URL('./close-buckets.lua', import.meta.url));
const readScript = loadScript(new URL('./read-buckets.lua', import.meta.url));

export type BucketStore = ReturnType<typeof createBucketStore>;

export function createBucketStore(redis: RedisClient, keys: Keys, bucketMs: number) {
  return {
    /** Up to when a partition has counted everything; 0 if it has not begun. */
    close: async (partition: number, group: string): Promise<number> => {
      const streams = (['summary', 'dead_letter', 'log'] as const).map((kind) =>
        keys.stream(partition, kind),
      );
      const args = [group, PROCESSOR_GROUP, bucketMs];
      return Number(String(await closeScript.run(redis, [keys.alertCounts(partition), ...streams], args)));
    },
    /** Buckets from one start to before another are not needed any more; they would expire later. */
    drop: async (from: number, before: number, partitions: number): Promise<void> => {
      const starts: number[] = [];
      for (let at = from; at < before; at += bucketMs) starts.push(at);
      if (starts.length === 0) return;
      await Promise.all(
        Array.from({ length: partitions }, (_, partition) => {
          const gone = starts.map((start) => keys.alertBucket(partition, bucketMs, start));
          return reply(redis.unlink(...gone), ...gone);
        }),
      );
    },
    /** Buckets from one start to before another, of all partitions together; those that hold nothing are among them. */
    read: async (from: number, before: number, partitions: number): Promise<Bucket[]> => {
      const starts: number[] = [];
      for (let at = from; at < before; at += bucketMs) starts.push(at);
      if (starts.length === 0) return [];
      const found = await Promise.all(
        Array.from({ length: partitions }, (_, partition) =>
          readScript.run(
            redis,
            starts.map((start) => keys.alertBucket(partition, bucketMs, start)),
            [],
          ),
        ),
      );
      const hashes = new Map<number, string[][]>(starts.map((start) => [start, []]));
      for (const answer of found as (number | Buffer[])[][]) {
        for (let i = 0; i + 1 < answer.length; i += 2) {
          const start = starts[Number(answer[i]) - 1] ?? 0;
          hashes.get(start)?.push((answer[i + 1] as Buffer[]).map(String));
        }
      }
      return starts.map((start) => decodeBucket(start, hashes.get(start) ?? []));
    },
  };
}
