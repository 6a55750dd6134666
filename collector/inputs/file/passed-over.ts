import type { Clock } from '../../../common/clock.ts';
import type { RedisClient } from '../../../common/redis/connection.ts';
import type { Keys } from '../../../common/redis/keys.ts';
import { reply } from '../../../common/redis/redis-error.ts';
import type { MetFile } from './begin.ts';

/** Which files that nobody knows are not read from their first record, but from what is written to them from now on. */
export interface PassedOver {
  /** Throws a RetriableError when Redis is away. */
  has(file: MetFile): Promise<boolean>;
}

export interface PassedOverDeps {
  input: string;
  node: string;
  redis: RedisClient;
  keys: Keys;
  clock: Clock;
  /** Files that were not written to since then are; milliseconds of a time, or what to take for it. */
  start: 'head' | 'tail' | number;
  /** As are those that were not written to for so long. */
  ignoreOlderMs: number | undefined;
}

const NANOS_PER_MILLI = 1_000_000n;

export function createPassedOver(deps: PassedOverDeps): PassedOver {
  const { input, node, redis, keys, clock, start, ignoreOlderMs } = deps;
  let first: Promise<{ ms: number; isNow: boolean }> | undefined;

  /** When this machine first had the input, which Redis remembers: what is new since then is not passed over after a restart. */
  async function readFirst(): Promise<{ ms: number; isNow: boolean }> {
    const field = `first-start/${input}/${node}`;
    const now = String(clock.now());
    const isNow = (await reply(redis.hsetnx(keys.sources(input), field, now))) === 1;
    const ms = isNow ? now : await reply(redis.hget(keys.sources(input), field));
    return { ms: Number(ms), isNow };
  }

  async function firstStart(): Promise<{ ms: number; isNow: boolean }> {
    first ??= readFirst();
    try {
      return await first;
    } catch (error) {
      first = undefined;
      throw error;
    }
  }

  return {
    has: async ({ changed, isOld }) => {
      const changedMs = Number(changed / NANOS_PER_MILLI);
      if (ignoreOlderMs !== undefined && clock.now() - changedMs > ignoreOlderMs) return true;
      if (start === 'head') return false;
      if (start !== 'tail') return changedMs < start;
      const { ms, isNow } = await firstStart();
      return isNow ? isOld : changedMs < ms;
    },
  };
}
