import type { RedisClient } from '../../common/redis/connection.ts';
import { createKeys } from '../../common/redis/keys.ts';

/** Who holds which partition for a group, as Redis has it. */
export interface Holding {
  partition: number;
  epoch: number;
  pid: number;
}

const keys = createKeys('tranweave');

export async function holdings(redis: RedisClient, group: string, partitions: number): Promise<Holding[]> {
  const tokens = await redis.mget(Array.from({ length: partitions }, (_, p) => keys.claim(p, group)));
  return tokens.flatMap((token, partition) => {
    // `epoch:host-pid-random`
    const [, epoch, pid] = /^(\d+):.*-(\d+)-[0-9a-f]+$/.exec(token ?? '') ?? [];
    return epoch === undefined ? [] : [{ partition, epoch: Number(epoch), pid: Number(pid) }];
  });
}

/** Whether each of these partitions has been claimed by somebody since. */
export async function areTakenOver(
  redis: RedisClient,
  group: string,
  partitions: number,
  lost: readonly Holding[],
): Promise<boolean> {
  const now = await holdings(redis, group, partitions);
  return lost.every(({ partition, epoch }) => now.some((h) => h.partition === partition && h.epoch > epoch));
}
