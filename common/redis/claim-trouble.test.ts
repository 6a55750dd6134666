import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '../clock.ts';
import type { Clock } from '../clock.ts';
import { ForeignDataError } from '../errors.ts';
import { aborted } from '../lifecycle.ts';
import { silentLogger } from '../logger.ts';
import { testRedisConfig } from '../testing/redis-config.ts';
import { startRedis } from '../testing/redis-server.ts';
import type { TestRedis } from '../testing/redis-server.ts';
import { until } from '../testing/until.ts';
import { createClaimNews } from './claim-news.ts';
import type { ClaimNews } from './claim-news.ts';
import { createStoppedPartitions, createTrouble } from './claim-trouble.ts';
import { createClaims } from './claims.ts';
import type { ClaimWork } from './claims.ts';
import type { RedisClient } from './connection.ts';
import { createKeys } from './keys.ts';

const keys = createKeys('tranweave');
let server: TestRedis;
let redis: RedisClient;
let news: ClaimNews;
beforeAll(async () => {
  server = await startRedis();
  redis = await server.client();
  news = createClaimNews({ redis, redisConfig: testRedisConfig(server), keys, logger: silentLogger() });
});
afterAll(async () => {
  news.stop();
  await server.stop();
});

describe('R8: work that finds what is not ours', () => {
  test('is tried again after pauses that grow to ten seconds and no further, and from the start once it went on', () => {
    const told: (string | undefined)[] = [];
    const trouble = createTrouble(
      { group: 'g', logger: silentLogger(), onTrouble: (_, words) => told.push(words) },
      0,
    );
    const pauses = Array.from({ length: 30 }, () => trouble.begin('not ours'));
    expect(pauses[0]).toBeLessThanOrEqual(500);
    expect(Math.min(...pauses.slice(10))).toBeGreaterThanOrEqual(5_000);
    expect(Math.max(...pauses)).toBeLessThanOrEqual(10_000);
    trouble.over();
    trouble.over();
    expect(told.slice(29)).toEqual(['not ours', undefined]);
    expect(trouble.begin('again')).toBeLessThanOrEqual(500);
    trouble.leave();
    expect(told.slice(31)).toEqual(['again', undefined]);
  });

  test('keeps its claim, holds up no other partition, and ends at once when it is told to stop', async () => {
    const stopped = createStoppedPartitions(() => undefined);
    const working = new Set<number>();
    let asleep = 0;
    // Pauses that only a signal ends.
    const clock: Clock = {
      now: () => systemClock.now(),
      sleep: async (ms, signal) => {
        if (ms < 250 || signal === undefined) return systemClock.sleep(ms, signal);
        asleep += 1;
        return aborted(signal);
      },
    };
    const work: ClaimWork = async ({ partition, signal }) => {
      if (partition === 1) throw new ForeignDataError('not ours');
      working.add(partition);
      await aborted(signal);
    };
    const failures: unknown[] = [];
    const claims = createClaims({
      redis,
      keys,
      group: 'g',
      replica: 'a',
      partitions: 3,
      news,
      mayHold: () => Promise.resolve(true),
      ttlMs: 600,
      heartbeatMs: 50,
      clock,
      logger: silentLogger(),
      work,
      onTrouble: stopped.set,
      onFailure: (error) => failures.push(error),
    });
    const stop = new AbortController();
    const running = claims.run(stop.signal);
    await until('the others work', () => working.size === 2 && asleep > 0);
    expect([claims.held(), stopped.words()]).toEqual([[0, 1, 2], 'partition 1: not ours']);
    stop.abort();
    await running;
    expect([claims.held(), stopped.words(), failures]).toEqual([[], undefined, []]);
  });
});
