import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { FencedError } from '../../common/errors.ts';
import { partitionOf } from '../../common/partition.ts';
import { PROCESSOR_GROUP } from '../../common/redis/groups.ts';
import { scanKeys } from '../../common/redis/scan.ts';
import { createFixture, keys } from './fixture.ts';
import type { Fixture } from './fixture.ts';
import { moveTransactions } from './move.ts';

const PARTITIONS_MAX = 9;
let fixture: Fixture;
beforeAll(async () => {
  fixture = await createFixture();
});
beforeEach(() => fixture.redis.flushall());
afterAll(() => fixture.end());

interface Kept {
  id: string;
  record: string;
  /** ms since 1970, -1 for never. */
  expiresAt: number;
  deadline: string | null;
}

/** What is where, by key; every deadline is looked up beside its transaction. */
async function stored(): Promise<Map<string, Kept>> {
  const { redis } = fixture;
  const found = new Map<string, Kept>();
  for await (const page of scanKeys(redis, keys.transactionsMatch())) {
    for (const key of page) {
      const { partition, id } = keys.parseTransaction(key)!;
      found.set(key, {
        id,
        record: (await redis.get(key))!,
        expiresAt: await redis.pexpiretime(key),
        deadline: await redis.zscore(keys.deadlines(partition), id),
      });
    }
  }
  return found;
}

async function deadlines(): Promise<number> {
  const counts = Array.from({ length: PARTITIONS_MAX }, (_, p) => fixture.redis.zcard(keys.deadlines(p)));
  return (await Promise.all(counts)).reduce((sum, count) => sum + count, 0);
}

async function fill(ids: readonly string[], partitions: number): Promise<void> {
  const { redis } = fixture;
  for (const [index, id] of ids.entries()) {
    const partition = partitionOf(id, partitions);
    const expires = index % 3 === 0 ? [] : (['PXAT', 4_000_000_000_000 + index] as const);
    await redis.call(
      'SET',
      keys.transaction(partition, id),
      JSON.stringify({ id, note: '주문' }),
      ...expires,
    );
    if (index % 2 === 0) await redis.zadd(keys.deadlines(partition), 1_000_000 + index, id);
  }
}

async function move(partitions: number, stopAfter = Infinity, name = 'mover'): Promise<void> {
  const hold = fixture.hold(name);
  for (let partition = 0; partition < PARTITIONS_MAX; partition += 1) {
    expect(await hold.take(partition, PROCESSOR_GROUP)).toBe(true);
  }
  const stop = new AbortController();
  let pages = 0;
  const onMoved = () => {
    if ((pages += 1) >= stopAfter) stop.abort();
  };
  const { redis } = fixture;
  await moveTransactions({ redis, keys, hold, stopping: stop.signal, onMoved }, partitions);
  await hold.release();
}

const byId = (found: Map<string, Kept>) => [...found.values()].sort((a, b) => (a.id < b.id ? -1 : 1));

describe('transactions', () => {
  test('move to their partitions with content, time to live and deadline, whatever they are called', async () => {
    const id = fc.oneof(
      fc.string({ minLength: 1, maxLength: 20 }),
      fc.string({ unit: 'binary', minLength: 1, maxLength: 20 }).filter((text) => text.isWellFormed()),
      fc.constantFrom('a:b', '{1}:txn:x', 'x\ny', '*', '[a-z]', '주문-1'),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(id, { minLength: 1, maxLength: 40 }),
        fc.integer({ min: 1, max: PARTITIONS_MAX }),
        fc.integer({ min: 1, max: PARTITIONS_MAX }),
        async (ids, from, to) => {
          await fixture.redis.flushall();
          await fill(ids, from);
          const [before, due] = [byId(await stored()), await deadlines()];
          await move(to);
          const after = await stored();
          expect(byId(after)).toEqual(before);
          for (const [key, kept] of after) {
            expect(key).toBe(keys.transaction(partitionOf(kept.id, to), kept.id));
          }
          expect(await deadlines()).toBe(due);
        },
      ),
      { numRuns: 60 },
    );
  });

  test('are all there when the move was cut short, which the same or the way back ends', async () => {
    const ids = Array.from({ length: 3_000 }, (_, i) => `T${i}`);
    await fill(ids, 4);
    const before = byId(await stored());
    await move(7, 2);
    expect(byId(await stored())).toEqual(before);
    const halfway = [...(await stored())].filter(
      ([key, { id }]) => key === keys.transaction(partitionOf(id, 7), id),
    );
    expect(halfway.length).toBeLessThan(ids.length);
    await move(4, 3);
    await move(7);
    const after = await stored();
    expect(byId(after)).toEqual(before);
    for (const [key, { id }] of after) expect(key).toBe(keys.transaction(partitionOf(id, 7), id));
  });

  test('that were put there but not taken away before a crash are taken away', async () => {
    await fill(['a'], 4);
    const [from, to] = [partitionOf('a', 4), partitionOf('a', 7)];
    expect(from).not.toBe(to);
    await fixture.redis.copy(keys.transaction(from, 'a'), keys.transaction(to, 'a'));
    await move(7);
    expect([...(await stored()).keys()]).toEqual([keys.transaction(to, 'a')]);
    expect(await deadlines()).toBe(1);
  });

  test('are not touched by a command whose claims went to another', async () => {
    const ids = Array.from({ length: 20 }, (_, i) => `T${i}`);
    await fill(ids, 4);
    const slept = fixture.hold('slept');
    for (let partition = 0; partition < 7; partition += 1) await slept.take(partition, PROCESSOR_GROUP);
    for (let partition = 0; partition < 7; partition += 1) {
      await fixture.redis.set(keys.claim(partition, PROCESSOR_GROUP), '99:other');
    }
    const before = [...(await stored())];
    const { redis } = fixture;
    const stopping = new AbortController().signal;
    const moved = moveTransactions({ redis, keys, hold: slept, stopping, onMoved: () => undefined }, 7);
    await expect(moved).rejects.toBeInstanceOf(FencedError);
    expect([...(await stored())]).toEqual(before);
  });

  test('move though Redis has no memory left', async () => {
    await fill(['a', 'b', 'c', 'd'], 4);
    await fixture.redis.config('SET', 'maxmemory', '1');
    await move(7);
    await fixture.redis.config('SET', 'maxmemory', '0');
    for (const [key, { id }] of await stored()) expect(key).toBe(keys.transaction(partitionOf(id, 7), id));
  });
});
