import { appendFile, chmod, open, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { silentLogger } from '../../common/logger.ts';
import { connectRedis, untilReady } from '../../common/redis/connection.ts';
import type { RedisClient } from '../../common/redis/connection.ts';
import { testRedisConfig } from '../../common/testing/redis-config.ts';
import { startRedis } from '../../common/testing/redis-server.ts';
import { appendLines, createFixture, keys, line, linesOf, until } from './file-fixture.ts';
import type { Fixture, Running, StartOptions } from './file-fixture.ts';

let fixture: Fixture;
let dir: string;
let log: string;

beforeAll(async () => {
  fixture = await createFixture();
});
beforeEach(async () => {
  dir = await fixture.tempDir();
  log = join(dir, 'a.log');
});
afterEach(() => fixture.clean());
afterAll(() => fixture.end());

const stored = (ids: readonly string[], ms?: number) =>
  until(async () => expect(await fixture.ids()).toEqual([...ids].sort()), ms);

describe('a file input that is stopped', () => {
  test('goes on in the middle of the file, with the header of its first record', async () => {
    const ids = await appendLines(log, 'a', 0, 500);
    const first = await fixture.start(dir, { config: { batch_bytes_max: '2KiB' } });
    await until(async () => expect((await fixture.ids()).length).toBeGreaterThan(50));
    await first.input.stop();
    const before = (await fixture.ids()).length;
    expect(before).toBeLessThan(500);
    const headers = new Set<string>();
    const { plainPipeline } = await import('./file-fixture.ts');
    await fixture.start(dir, {
      deps: { pipeline: plainPipeline((record) => headers.add(`${record.header} ${record.first}`)) },
    });
    await stored(ids);
    expect([...headers]).toEqual([`${line('a0000')} false`]);
  });

  test('appends nothing afterwards, and may be stopped twice, and before it was started', async () => {
    const { input } = await fixture.start(dir);
    await Promise.all([input.stop(), input.stop()]);
    await input.stop();
    expect(input.trouble()).toContain('stopping');
    await appendLines(log, 'a', 0, 3);
    const never = fixture.create(dir);
    await never.input.stop();
    await never.input.start();
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(await fixture.ids()).toEqual([]);
  });
});

describe('while Redis', () => {
  test('is away, files wait, and everything comes once when it is back', async () => {
    await using own = await startRedis();
    const redis = connectRedis(testRedisConfig(own), silentLogger());
    await untilReady(redis, 5_000);
    const away = await createOn(redis);
    const ids = await appendLines(log, 'a', 0, 20);
    await until(async () => expect(await away.metric('tranweave_collector_logs_total')).toBe(20));
    await own.kill();
    ids.push(...(await appendLines(log, 'a', 20, 60)));
    await until(() => expect(away.input.trouble()).toContain('Redis cannot be reached'));
    ids.push(...(await appendLines(join(dir, 'b.log'), 'b', 0, 20)));
    await own.restart();
    await until(async () => expect(await away.metric('tranweave_collector_logs_total')).toBe(80));
    expect(away.input.trouble()).toBeUndefined();
    expect(await away.metric('tranweave_collector_back_pressure_total')).toBeGreaterThan(0);
    expect(away.failures).toEqual([]);
    await away.input.stop();
    redis.disconnect();
  });

  test('is full, files wait where they are, and stopping does not wait for it', async () => {
    const ids = await appendLines(log, 'a', 0, 200);
    const { input, metric } = await fixture.start(dir, {
      streamEntriesMax: 3,
      config: { batch_bytes_max: '1KiB' },
    });
    await until(() => expect(input.trouble()).toContain('is full'));
    expect(await metric('tranweave_collector_behind_bytes')).toBeGreaterThan(0);
    await input.stop();
    await fixture.start(dir);
    await stored(ids);
  });

  test('hangs, a stop that is forced does not', async () => {
    await appendLines(log, 'a', 0, 5);
    let called = false;
    const hanging = proxyOf(fixture.redis, () => {
      called = true;
      return 'hang';
    });
    const { input, force } = await fixture.start(dir, { redis: hanging });
    await until(() => called);
    const stopping = input.stop();
    force.abort();
    await stopping;
  });

  async function createOn(redis: RedisClient): Promise<Running> {
    return fixture.start(dir, { redis });
  }
});

describe('a file that cannot be read', () => {
  const refused = () =>
    Object.assign(new Error('EACCES: permission denied'), { code: 'EACCES', syscall: 'open' });

  test('is read when it can be, without a restart', async () => {
    const ids = await appendLines(log, 'a', 0, 3);
    ids.push(...(await appendLines(join(dir, 'b.log'), 'b', 0, 3)));
    let readable = false;
    let attempts = 0;
    const { failures } = await fixture.start(dir, {
      open: async (path) => {
        if (path === log) attempts += 1;
        if (path === log && !readable) throw refused();
        return open(path, 'r');
      },
    });
    await stored(ids.slice(3));
    await until(() => attempts > 3);
    readable = true;
    await stored(ids);
    expect(failures).toEqual([]);
  });

  // Root may read everything.
  test.skipIf(process.getuid?.() === 0)('is read once its permissions allow it', async () => {
    const ids = await appendLines(log, 'a', 0, 3);
    await chmod(log, 0);
    await fixture.start(dir);
    await new Promise((resolve) => setTimeout(resolve, 100));
    await chmod(log, 0o644);
    await stored(ids);
  });

  test('since too many are open is read when there is room', async () => {
    const ids = await appendLines(log, 'a', 0, 3);
    let room = 3;
    await fixture.start(dir, {
      open: async (path) => {
        room -= 1;
        if (room > 0) throw Object.assign(new Error('EMFILE'), { code: 'EMFILE', syscall: 'open' });
        return open(path, 'r');
      },
    });
    await stored(ids);
  });
});

type Fault = 'before' | 'after' | 'hang' | undefined;
const COMMANDS = new Set(['callBuffer', 'hset', 'hget', 'hsetnx', 'hscan']);

/** A connection that fails before a command has reached Redis, after it took effect there, or never answers. */
function proxyOf(redis: RedisClient, fault: () => Fault): RedisClient {
  return new Proxy(redis, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== 'function') return value;
      const call = (...args: unknown[]) => Reflect.apply(value, target, args) as Promise<unknown>;
      if (!COMMANDS.has(String(name))) return call;
      return async (...args: unknown[]) => {
        const chosen = fault();
        if (chosen === 'hang') return new Promise(() => {});
        if (chosen === 'before') throw new Error('connection lost');
        const result = await call(...args);
        if (chosen === 'after') throw new Error('connection lost');
        return result;
      };
    },
  });
}

type Act =
  | { act: 'lines'; count: number }
  | { act: 'half' }
  | { act: 'rotate' }
  | { act: 'wait'; ms: number }
  | { act: 'restart'; killed: boolean; bytes: number; open: number };

const act: fc.Arbitrary<Act> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ act: fc.constant('lines' as const), count: fc.integer({ min: 1, max: 40 }) }),
  },
  { weight: 2, arbitrary: fc.record({ act: fc.constant('half' as const) }) },
  { weight: 2, arbitrary: fc.record({ act: fc.constant('rotate' as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({ act: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 25 }) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      act: fc.constant('restart' as const),
      killed: fc.boolean(),
      bytes: fc.integer({ min: 1, max: 3000 }),
      open: fc.integer({ min: 1, max: 3 }),
    }),
  },
);

describe('whatever happens', () => {
  test('every line arrives exactly once, in records that are never cut', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(act, { minLength: 4, maxLength: 25 }),
        fc.integer({ min: 0, max: 40 }),
        fc.integer(),
        async (acts, faultPercent, seed) => {
          const random = pseudoRandom(seed);
          let faults = true;
          const redis = proxyOf(fixture.redis, () => {
            if (!faults || random() * 100 >= faultPercent) return undefined;
            return random() < 0.5 ? 'before' : 'after';
          });
          const failures: unknown[][] = [];
          const start = async (config: StartOptions['config']) => {
            const one = await fixture.start(dir, {
              redis,
              config: { last_line_after: '1h', close_after: '1m', ...config },
            });
            failures.push(one.failures);
            return one;
          };
          let running = await start({ batch_bytes_max: '700B' });
          const ids = await play(acts, async (next) => {
            if (next.killed) running.force.abort();
            await running.input.stop();
            running = await start({ batch_bytes_max: `${next.bytes}B`, files_open_max: next.open });
          });
          faults = false;
          await stored(ids);
          await until(async () => expect(await running.metric('tranweave_collector_behind_bytes')).toBe(0));
          expect(await fixture.deadLetters()).toEqual([]);
          expect(failures.flat()).toEqual([]);
          await fixture.clean();
          dir = await fixture.tempDir();
          log = join(dir, 'a.log');
        },
      ),
      { numRuns: 25, endOnFailure: true },
    );
  }, 120_000);

  /** Writes as the acts say; ends with whole lines. Returns the ids that were written. */
  async function play(
    acts: readonly Act[],
    restart: (next: Extract<Act, { act: 'restart' }>) => Promise<void>,
  ): Promise<string[]> {
    const ids: string[] = [];
    let rest = '';
    let files = 0;
    await writeFile(log, '');
    for (const next of acts) {
      if (next.act === 'lines') {
        const more = linesOf('L', ids.length, ids.length + next.count);
        await appendFile(log, rest + more.text);
        rest = '';
        ids.push(...more.ids);
      } else if (next.act === 'half' && rest === '') {
        const text = `${line(`L${String(ids.length).padStart(4, '0')}`)}\n`;
        ids.push(`L${String(ids.length).padStart(4, '0')}`);
        await appendFile(log, text.slice(0, 15));
        rest = text.slice(15);
      } else if (next.act === 'rotate' && rest === '') {
        files += 1;
        await rename(log, join(dir, `rotated-${files}.log`));
        await writeFile(log, '');
      } else if (next.act === 'wait') {
        await new Promise((resolve) => setTimeout(resolve, next.ms));
      } else if (next.act === 'restart') {
        await restart(next);
      }
    }
    await appendFile(log, rest);
    return ids;
  }
});

/** mulberry32: the same numbers for the same seed. */
function pseudoRandom(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

void keys;
