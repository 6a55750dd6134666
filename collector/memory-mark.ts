import type { Clock } from '../common/clock.ts';
import { describeError, RetriableError } from '../common/errors.ts';
import type { Logger } from '../common/logger.ts';
import type { RedisClient } from '../common/redis/connection.ts';
import { memoryUse } from '../common/redis/memory.ts';

/**
 * The high-water mark on Redis' memory. Collectors stop adding well before Redis is full, since what drains it (transactions,
 * summaries) needs room as well.
 */
export interface MemoryMark {
  /** Why nothing may be added now, in words; undefined while there is room. */
  reached(): string | undefined;
  /** Looks every so often until the signal aborts. Throws what is no matter of waiting. */
  watch(signal: AbortSignal): Promise<void>;
}

export interface MemoryMarkDeps {
  redis: RedisClient;
  /** The mark, in percent of Redis' `maxmemory`. */
  percentMax: number;
  clock: Clock;
  logger: Logger;
}

/** In a second a collector adds some tens of MB at most. */
const LOOK_MS = 1_000;

export function createMemoryMark({ redis, percentMax, clock, logger }: MemoryMarkDeps): MemoryMark {
  let reached: string | undefined;

  async function look(): Promise<void> {
    const shares = (await memoryUse(redis)).map(({ used, max }) => (max === 0 ? 0 : (100 * used) / max));
    const fullest = Math.floor(Math.max(0, ...shares));
    const before = reached;
    reached =
      fullest >= percentMax
        ? `Redis has filled ${fullest}% of its memory; collectors stop at ${percentMax}%`
        : undefined;
    if (before === undefined && reached !== undefined) logger.warn(reached);
    if (before !== undefined && reached === undefined) logger.info('Redis has room again');
  }

  return {
    reached: () => reached,
    watch: async (signal) => {
      while (!signal.aborted) {
        try {
          await look();
        } catch (error) {
          // Redis is away: appends fail by themselves, and the mark stays as it was.
          if (!(error instanceof RetriableError)) throw error;
          logger.debug({ error: describeError(error) }, "Redis' memory could not be asked for");
        }
        await clock.sleep(LOOK_MS, signal);
      }
    },
  };
}
