import { systemClock } from '../../common/clock.ts';
import { silentLogger } from '../../common/logger.ts';
import { tellClaimNews } from '../../common/redis/claim-news.ts';
import type { RedisClient } from '../../common/redis/connection.ts';
import { createKeys } from '../../common/redis/keys.ts';
import { startRedis } from '../../common/testing/redis-server.ts';
import type { TestRedis } from '../../common/testing/redis-server.ts';
import { createChangeMeta } from './change-meta.ts';
import { changePartitions } from './change.ts';
import type { ChangeDeps, ChangeResult } from './change.ts';
import { createHold } from './hold.ts';
import type { Hold } from './hold.ts';

/** For the tests of a change: a real Redis, and the change as the command makes it, in the test's own process. */

export const keys = createKeys('t');
const CLAIM_MS = 2_000;

/** Nothing of somebody else's is in these tests' streams. */
export const refuse = (error: Error) => {
  throw error;
};

export interface Fixture {
  server: TestRedis;
  redis: RedisClient;
  /** Claims as a command of that name takes them; released at the end. */
  hold: (holder: string) => Hold;
  /** What `tranweave partitions --to` does. */
  change: (to: number, more?: Partial<ChangeDeps>) => Promise<ChangeResult>;
  /** What it said. */
  said: string[];
  end(): Promise<void>;
}

export async function createFixture(): Promise<Fixture> {
  const server = await startRedis();
  const redis = await server.client();
  const holds: Hold[] = [];
  const said: string[] = [];
  const hold = (holder: string) => {
    const made = createHold({ redis, keys, holder, ttlMs: CLAIM_MS, clock: systemClock });
    holds.push(made);
    return made;
  };
  return {
    server,
    redis,
    hold,
    said,
    change: async (to, more = {}) => {
      const own = hold('the test');
      try {
        return await changePartitions(
          {
            redis,
            keys,
            hold: own,
            meta: createChangeMeta(redis, keys, own),
            clock: systemClock,
            stopping: new AbortController().signal,
            waitMs: 10_000,
            claimMs: CLAIM_MS,
            dropGroups: [],
            tellRoles: (group) => tellClaimNews(redis, keys, silentLogger(), group),
            say: (line) => said.push(line),
            ...more,
          },
          to,
        );
      } finally {
        await own.release();
      }
    },
    end: async () => {
      await Promise.all(holds.map((held) => held.release()));
      await server.stop();
    },
  };
}
