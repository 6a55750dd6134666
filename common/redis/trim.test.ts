import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { startRedis } from '../testing/redis-server.ts';
import type { TestRedis } from '../testing/redis-server.ts';
import type { RedisClient } from './connection.ts';
import { createKeys, STREAM_KINDS } from './keys.ts';
import { trimStream } from './trim.ts';

const keys = createKeys('t');
const stream = keys.stream(0, 'log');
let server: TestRedis;
let redis: RedisClient;

beforeAll(async () => {
  server = await startRedis();
  redis = await server.client();
});
beforeEach(() => redis.flushall());
afterAll(() => server.stop());

/** Entries 1-1 … n-1. */
async function fill(entries: number): Promise<void> {
  for (let i = 1; i <= entries; i += 1) await redis.xadd(stream, `${i * 1000}-1`, 'v', '1');
}

const trimmed = (...expected: string[]) => trimStream(redis, keys, 0, 'log', expected);

describe('trimming a stream', () => {
  test('drops what every group has and nothing else, and shows how far behind each is', async () => {
    await fill(10);
    await redis.xgroup('CREATE', stream, 'quick', '8000-1', 'ENTRIESREAD', '8');
    await redis.xgroup('CREATE', stream, 'slow', '3000-1', 'ENTRIESREAD', '3');
    expect(await trimmed()).toEqual({
      partition: 0,
      kind: 'log',
      dropped: 3,
      entries: 7,
      groups: [
        { name: 'quick', lag: 2, waiting_since: 9000 },
        { name: 'slow', lag: 7, waiting_since: 4000 },
      ],
      missing: [],
    });
    expect((await redis.xrange(stream, '-', '+', 'COUNT', 1))[0]?.[0]).toBe('4000-1');
  });

  test('is held back by a group that stays away, however long', async () => {
    await fill(10);
    await redis.xgroup('CREATE', stream, 'here', '10000-1', 'ENTRIESREAD', '10');
    await redis.xgroup('CREATE', stream, 'away', '0');
    expect(await trimmed()).toMatchObject({ dropped: 0, entries: 10 });
    await redis.xgroup('DESTROY', stream, 'away');
    expect(await trimmed()).toMatchObject({ dropped: 10, entries: 0 });
  });

  test('empties a stream that everybody has read, and ids go on from there', async () => {
    await fill(2);
    await redis.xgroup('CREATE', stream, 'g', '2000-1', 'ENTRIESREAD', '2');
    expect(await trimmed()).toMatchObject({
      dropped: 2,
      entries: 0,
      groups: [{ lag: 0, waiting_since: null }],
    });
    await expect(redis.xadd(stream, '2000-1', 'v', '1')).rejects.toThrow('equal or smaller');
  });

  test('leaves a stream alone that nobody reads, and one that is not there', async () => {
    await fill(2);
    expect(await Promise.all(STREAM_KINDS.map((kind) => trimStream(redis, keys, 0, kind, [])))).toMatchObject(
      [
        { kind: 'log', dropped: 0, entries: 2, groups: [] },
        { kind: 'summary', dropped: 0, entries: 0, groups: [] },
        { kind: 'dead_letter', dropped: 0, entries: 0, groups: [] },
      ],
    );
  });

  test('R6: waits for a group that should be there and is not: its reader may not have everything', async () => {
    await fill(3);
    await redis.xgroup('CREATE', stream, 'here', '3000-1', 'ENTRIESREAD', '3');
    expect(await trimmed('here', 'gone')).toMatchObject({ dropped: 0, entries: 3, missing: ['gone'] });
    await redis.xgroup('CREATE', stream, 'gone', '2000-1');
    expect(await trimmed('here', 'gone')).toMatchObject({ dropped: 2, entries: 1, missing: [] });
  });

  test('compares ids as numbers of any length', async () => {
    await redis.xadd(stream, '9-1', 'v', '1');
    await redis.xadd(stream, '10-9', 'v', '1');
    await redis.xadd(stream, '10-10', 'v', '1');
    await redis.xgroup('CREATE', stream, 'a', '10-9');
    await redis.xgroup('CREATE', stream, 'b', '9-1');
    expect(await trimmed()).toMatchObject({ dropped: 1, entries: 2 });
  });

  test('does not make up a lag where Redis cannot tell it', async () => {
    await fill(4);
    await redis.xdel(stream, '3000-1');
    await redis.xgroup('CREATE', stream, 'g', '2000-1');
    expect(await trimmed()).toMatchObject({ dropped: 2, groups: [{ lag: null, waiting_since: 4000 }] });
  });
});

describe('a history of what every group has', () => {
  const history = { ms: 60_000, entriesMax: 100, bytesMax: 1_000_000 };
  const withHistory = (bounds: Partial<typeof history> = {}) =>
    trimStream(redis, keys, 0, 'log', ['g'], { ...history, ...bounds });
  /** The ids that are left. */
  const left = async () => (await redis.xrange(stream, '-', '+')).map(([id]) => id);
  let now: number;
  const id = (age: number) => `${now - age}-1`;
  /** Entries of these ages in ms, oldest first, and a group that has the first `taken` of them. */
  async function aged(ages: readonly number[], taken: number, text = 'x'): Promise<void> {
    now = Number((await redis.time())[0]) * 1000;
    for (const age of ages) await redis.xadd(stream, id(age), 'v', text);
    await redis.xgroup('CREATE', stream, 'g', taken === 0 ? '0' : id(ages[taken - 1]!));
  }

  test('stays as long as it is young, and goes when it is old', async () => {
    await aged([120_000, 90_000, 30_000, 10_000], 4);
    expect(await withHistory()).toMatchObject({ dropped: 2, entries: 2 });
    expect(await left()).toEqual([id(30_000), id(10_000)]);
    expect(await withHistory({ ms: 0 })).toMatchObject({ dropped: 2, entries: 0 });
  });

  test('never costs an entry that a group has not taken, however old and many they are', async () => {
    await aged([120_000, 90_000, 80_000, 10_000], 1);
    expect(await withHistory({ entriesMax: 1, bytesMax: 1 })).toMatchObject({ dropped: 1, entries: 3 });
  });

  test('is bounded by entries, and by bytes', async () => {
    const ages = Array.from({ length: 100 }, (_, i) => 50_000 - i);
    await aged(ages, 90, 'x'.repeat(999));
    expect(await withHistory({ entriesMax: 40 })).toMatchObject({ dropped: 60, entries: 40 });
    expect(await left()).toEqual(ages.slice(60).map(id));
    expect(await withHistory({ bytesMax: 25_000 })).toMatchObject({ dropped: 15, entries: 25 });
    expect(await withHistory({ entriesMax: 5 })).toMatchObject({ dropped: 15, entries: 10 });
  });

  test('is given up where there is far too much', async () => {
    await aged(
      Array.from({ length: 1200 }, (_, i) => 50_000 - i),
      1199,
    );
    expect(await withHistory({ entriesMax: 10 })).toMatchObject({ dropped: 1199, entries: 1 });
  });
});
