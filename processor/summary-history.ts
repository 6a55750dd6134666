import { RetriableError } from '../common/errors.ts';
import type { Logger } from '../common/logger.ts';
import type { RedisClient } from '../common/redis/connection.ts';
import { memoryUse } from '../common/redis/memory.ts';
import type { StreamHistory } from '../common/redis/trim.ts';

/** What of a summary stream stays when every sink has it, so that clients of the API can go on where they were. */
export interface SummaryHistoryConfig extends StreamHistory {
  /** How full Redis may be, in percent of its memory, before collectors stop. */
  memoryPercentMax: number;
}

/** The history is given up before anything has to wait for memory: it begins to go at this share of the collectors' mark. */
const SHARE_OF_MARK = 0.9;

/** Whether there is room for a history now. */
export interface HistoryKeeper {
  /** Looks how full Redis is. Throws what is no matter of waiting. */
  look(): Promise<void>;
  /** Undefined while nothing is to be kept. */
  kept(): StreamHistory | undefined;
}

export function createHistoryKeeper(deps: {
  redis: RedisClient;
  history: SummaryHistoryConfig | undefined;
  logger: Logger;
}): HistoryKeeper {
  const { redis, history, logger } = deps;
  if (history === undefined || history.ms === 0)
    return { look: async () => undefined, kept: () => undefined };
  const percentMax = Math.floor(history.memoryPercentMax * SHARE_OF_MARK);
  let room = true;
  return {
    look: async () => {
      const percent = await fullestPercent(redis);
      // Where it cannot be told, nothing can be trimmed either.
      if (percent === undefined || room === percent < percentMax) return;
      room = !room;
      if (room) logger.info('a history of summaries is kept again');
      else logger.warn(`Redis has filled ${percentMax}% of its memory: no history of summaries is kept`);
    },
    kept: () => (room ? history : undefined),
  };
}

/** Undefined while Redis is away. */
async function fullestPercent(redis: RedisClient): Promise<number | undefined> {
  try {
    const shares = (await memoryUse(redis)).map(({ used, max }) => (max === 0 ? 0 : (100 * used) / max));
    return Math.max(0, ...shares);
  } catch (error) {
    if (error instanceof RetriableError) return undefined;
    throw error;
  }
}
