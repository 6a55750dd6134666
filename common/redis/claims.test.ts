import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../clock.ts';
import { FatalError, FencedError, RetriableError } from '../errors.ts';
import { aborted } from '../lifecycle.ts';
import { silentLogger } from '../logger.ts';
import { testRedisConfig } from '../testing/redis-config.ts';
import { startRedis } from '../testing/redis-server.ts';
import type { TestRedis } from '../testing/redis-server.ts';
import { until } from '../testing/until.ts';
import { createClaimNews } from './claim-news.ts';
import type { ClaimNews } from './claim-news.ts';
import { acquireClaim, epochOf } from './claim-scripts.ts';
import { createClaims } from './claims.ts';
import type { ClaimsDeps, ClaimWork } from './claims.ts';
import type { RedisClient } from './connection.ts';
import { createKeys } from './keys.ts';

const PARTITIONS = 6;
const keys = createKeys('tranweave');
let server: TestRedis;
let redis: RedisClient;
let news: ClaimNews;

beforeAll(async () => {
  server = await startRedis();
  redis = await server.client();
  news = createClaimNews({ redis, redisConfig: testRedisConfig(server), keys, logger: silentLogger() });
});
beforeEach(() => redis.flushall());
afterAll(async () => {
  news.stop();
  await server.stop();
});

const untilAborted: ClaimWork = ({ signal }) => aborted(signal);

function replica(name: string, work: ClaimWork = untilAborted, more: Partial<ClaimsDeps> = {}) {
  const failures: unknown[] = [];
  const claims = createClaims({
    redis,
    keys,
    group: 'g',
    replica: name,
    partitions: PARTITIONS,
    news,
    mayHold: () => Promise.resolve(true),
    ttlMs: 600,
    heartbeatMs: 50,
    clock: systemClock,
    logger: silentLogger(),
    work,
    onFailure: (error) => failures.push(error),
    ...more,
  });
  const stop = new AbortController();
  const running = claims.run(stop.signal);
  return {
    ...claims,
    failures,
    stop: async () => {
      stop.abort();
      await running;
    },
  };
}

const holders = async (): Promise<(string | undefined)[]> => {
  const tokens = await redis.mget(Array.from({ length: PARTITIONS }, (_, p) => keys.claim(p, 'g')));
  return tokens.map((token) => token?.split(':')[1]);
};
const counts = async () => {
  const found: Record<string, number> = {};
  for (const holder of await holders()) found[holder ?? 'nobody'] = (found[holder ?? 'nobody'] ?? 0) + 1;
  return found;
};

const renewals = async () =>
  Number(/cmdstat_pexpire:calls=(\d+)/.exec(await redis.info('commandstats'))?.[1] ?? 0);

describe('claims', () => {
  test('are shared evenly, and move when replicas come and go', async () => {
    const a = replica('a');
    await until('a holds all', async () => (await counts())['a'] === 6);
    const b = replica('b');
    await until(
      'a and b hold three each',
      async () => (await counts())['b'] === 3 && (await counts())['a'] === 3,
    );
    const c = replica('c');
    await until('two each', async () => Object.values(await counts()).join() === '2,2,2');
    await b.stop();
    await until(
      'a and c hold three each',
      async () => (await counts())['c'] === 3 && (await counts())['a'] === 3,
    );
    await Promise.all([a.stop(), c.stop()]);
    expect(await counts()).toEqual({ nobody: 6 });
  });

  test('change hands at once when a replica comes or stops, however far apart heartbeats are', async () => {
    const seldom = { ttlMs: 3_600_000, heartbeatMs: 600_000 };
    const listening = async () => (await redis.pubsub('NUMSUB', keys.claimNews()))[1] === 1;
    await until('news are listened for', listening);
    const a = replica('a', untilAborted, seldom);
    await until('a holds all', async () => (await counts())['a'] === 6);
    const b = replica('b', untilAborted, seldom);
    await until('three each', async () => Object.values(await counts()).join() === '3,3');
    await b.stop();
    await until('a holds all again', async () => (await counts())['a'] === 6);
    await a.stop();
  });

  test('never have two at work on a partition at a time, whatever comes and goes', async () => {
    const working = new Map<number, number>();
    let most = 0;
    const work: ClaimWork = async ({ partition, signal }) => {
      working.set(partition, (working.get(partition) ?? 0) + 1);
      most = Math.max(most, working.get(partition) ?? 0);
      await aborted(signal);
      await systemClock.sleep(20);
      working.set(partition, (working.get(partition) ?? 0) - 1);
    };
    const first = replica('a', work);
    for (let i = 0; i < 5; i += 1) {
      const other = replica(`b${i}`, work);
      await until('the other holds some', () => other.held().length === 3);
      await other.stop();
    }
    await first.stop();
    expect(most).toBe(1);
  });

  test('of a replica that fell silent are taken over within the time to live, under a greater epoch', async () => {
    // A replica whose heartbeats never come: it holds its claims until they expire.
    await redis.set(keys.claim(0, 'g'), '1:dead', 'PX', 300);
    await redis.set(keys.epoch(0, 'g'), '1');
    const a = replica('a');
    await until('a holds partition 0', async () => (await holders())[0] === 'a');
    expect(epochOf((await redis.get(keys.claim(0, 'g')))!)).toBeGreaterThan(1);
    await a.stop();
  });

  test('are let go while nobody may hold any, and taken again afterwards; a refusal for good is told', async () => {
    let answer: () => Promise<boolean> = () => Promise.resolve(true);
    const a = replica('a', untilAborted, { mayHold: () => answer() });
    await until('a holds all', async () => (await counts())['a'] === 6);
    answer = () => Promise.resolve(false);
    await until('nobody holds any', async () => (await counts())['nobody'] === 6);
    answer = () => Promise.resolve(true);
    await until('a holds all again', async () => (await counts())['a'] === 6);
    expect(a.failures).toEqual([]);
    answer = () => Promise.reject(new FatalError('another number'));
    await until('it is told', () => a.failures.length > 0);
    expect(a.failures[0]).toEqual(new FatalError('another number'));
    await a.stop();
  });

  test('have epochs that grow, although the clock was set back or Redis lost the last one', async () => {
    const ahead = Date.now() + 86_400_000;
    await redis.set(keys.epoch(0, 'g'), String(ahead));
    const take = async () => {
      await redis.del(keys.claim(0, 'g'));
      const { token } = await acquireClaim(redis, keys.claim(0, 'g'), keys.epoch(0, 'g'), 'a', 1000);
      return epochOf(token!);
    };
    expect([await take(), await take()]).toEqual([ahead + 1, ahead + 2]);
    await redis.del(keys.epoch(0, 'g'));
    const before = Date.now();
    expect(await take()).toBeGreaterThanOrEqual(before);
  });

  test('end with work that is refused by the fence, and are taken anew', async () => {
    let refused = 0;
    const a = replica('a', async ({ signal }) => {
      if (refused === 0) {
        refused += 1;
        throw new FencedError('not ours');
      }
      await aborted(signal);
    });
    await until('a holds all again', () => a.held().length === 6 && refused === 1);
    expect(a.failures).toEqual([]);
    await a.stop();
  });

  test('stay while work that failed retriably starts over; anything else ends the process', async () => {
    let tries = 0;
    const a = replica('a', async ({ partition, signal }) => {
      if (partition === 0 && (tries += 1) === 1) throw new RetriableError('away');
      if (partition === 1) throw new TypeError('a bug');
      await aborted(signal);
    });
    await until('partition 0 was tried again', () => tries === 2);
    expect(a.failures).toContainEqual(new TypeError('a bug'));
    await a.stop();
  });

  test('have a new token for work that starts over, so that what was sent before and comes late is refused', async () => {
    const tokens: string[] = [];
    const a = replica('a', async ({ partition, token, signal }) => {
      if (partition === 0) {
        tokens.push(token);
        if (tokens.length <= 2) throw new RetriableError('given up, and on its way');
      }
      await aborted(signal);
    });
    await until('partition 0 was tried twice more', () => tokens.length === 3);
    expect(tokens.map(epochOf)).toEqual(tokens.map(epochOf).toSorted((x, y) => x - y));
    expect(new Set(tokens).size).toBe(3);
    expect(await redis.get(keys.claim(0, 'g'))).toBe(tokens[2]);
    // For longer than a claim lasts that is not renewed.
    const before = await renewals();
    await until('all are renewed often', async () => (await renewals()) - before > 15 * PARTITIONS);
    expect([await redis.get(keys.claim(0, 'g')), tokens.length, a.failures]).toEqual([tokens[2], 3, []]);
    await a.stop();
    expect(await redis.get(keys.claim(0, 'g'))).toBeNull();
  });

  test('of which another took hold while work paused are lost, and taken again when it is gone', async () => {
    let tries = 0;
    const a = replica('a', async ({ partition, signal }) => {
      if (partition === 0 && (tries += 1) === 1) {
        await redis.set(keys.claim(0, 'g'), '99:b', 'PX', 300);
        throw new RetriableError('away');
      }
      await aborted(signal);
    });
    await until('it is taken again once the other is gone', () => tries === 2);
    expect(a.failures).toEqual([]);
    await a.stop();
  });

  test('are kept while only the list of replicas is out of reach, as in a Cluster when its master died', async () => {
    let away = false;
    let failed = 0;
    const withoutList = new Proxy(redis, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name);
        if (typeof value !== 'function') return value;
        return (...args: unknown[]) => {
          if (!away || !args.includes(keys.replicas('g')))
            return Reflect.apply(value, target, args) as unknown;
          failed += 1;
          return Promise.reject(new Error('Connection is closed.'));
        };
      },
    });
    const ended: number[] = [];
    const work: ClaimWork = async ({ partition, signal }) => {
      await aborted(signal);
      ended.push(partition);
    };
    const a = replica('a', work, { redis: withoutList });
    await until('a holds all', () => a.held().length === 6);
    away = true;
    // Heartbeats for longer than the claims would last by themselves.
    await until('it was tried often', () => failed > 30);
    expect(await counts()).toEqual({ a: 6 });
    expect(ended).toEqual([]);
    await a.stop();
  });

  test('end when Redis was out of reach for the time to live', async () => {
    const ended: number[] = [];
    const a = replica('a', async ({ partition, signal }) => {
      await aborted(signal);
      ended.push(partition);
    });
    await until('a holds all', () => a.held().length === 6);
    await server.kill();
    await until('all have ended', () => ended.length === 6);
    await server.restart();
    await until('a holds all again', () => a.held().length === 6);
    await a.stop();
  });
});
