import { FencedError, RetriableError } from '../../common/errors.ts';
import type { RedisClient } from '../../common/redis/connection.ts';
import type { Keys } from '../../common/redis/keys.ts';
import { reply } from '../../common/redis/redis-error.ts';
import type { Lane } from '../sink.ts';
import type { Generation } from './lane-keys.ts';

/** How far a partition is counted. Whoever changes anything of it raises the version, so that nobody writes what was computed from other numbers. */
export interface LaneState {
  version: number;
  /** Of the batch that was counted last. */
  token: string;
}

/**
 * Throws a FencedError when the lane is somebody else's now, and a RetriableError while transactions are being moved to the partitions in which they are now. `undefined` if another generation of an insight is in force
 * there, or none.
 */
export async function readLane(
  redis: RedisClient,
  keys: Keys,
  { partition, fence }: Pick<Lane, 'partition' | 'fence'>,
  generations: readonly Generation[],
  partitions: number,
): Promise<LaneState | undefined> {
  const key = keys.insightLane(partition);
  const names = generations.map(({ definition }) => generationField(definition.name));
  const [version, token, highest, layout, ...recorded] = await reply(
    redis.hmget(key, 'version', 'token', 'fence', 'layout', ...names),
    key,
  );
  if (Number(highest ?? 0) > fence) throw new FencedError('the lane belongs to another replica now');
  if (!generations.every(({ generation }, index) => recorded[index] === generation)) return undefined;
  if (layout !== String(partitions))
    throw new RetriableError('what is remembered of transactions is being moved to their new partitions');
  return { version: Number(version ?? 0), token: token ?? '' };
}

/** Field of the lane that has the generation of an insight. */
export function generationField(name: string): string {
  return `generation:${name}`;
}
