import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../clock.ts';
import { FencedError } from '../errors.ts';
import { startRedis } from '../testing/redis-server.ts';
import type { TestRedis } from '../testing/redis-server.ts';
import type { RedisClient } from './connection.ts';
import { ensureGroup, groupsOf, placeGroup, positionOf } from './groups.ts';
import { createLossWatch } from './loss.ts';
import type { Position } from './loss.ts';

let server: TestRedis;
let redis: RedisClient;
beforeAll(async () => {
  server = await startRedis();
  redis = await server.client();
});
beforeEach(async () => {
  await redis.flushall();
  await ensureGroup(redis, 's', 'g');
  await redis.set(GROUP.claimKey, GROUP.token);
});
afterAll(() => server.stop());

const GROUP = { stream: 's', group: 'g', claimKey: 'claim', token: '1:a' };

/** Ids of so many new entries. */
async function add(n: number, at = '*'): Promise<string[]> {
  const ids: string[] = [];
  for (let i = 0; i < n; i += 1) ids.push((await redis.xadd('s', at, 'i', String(i)))!);
  return ids;
}

const entriesOf = (ids: readonly string[]) => ids.map((id) => ({ id }));

/** A watch over the stream `s`, and what it told. */
function watch() {
  const told: number[] = [];
  const words: string[] = [];
  const tell = (loss: { entries: number; words: string }) => {
    told.push(loss.entries);
    words.push(loss.words);
  };
  return { ...createLossWatch({ redis, group: GROUP, clock: systemClock, tell }), told, words };
}

/** What a look by a reader who stands there tells. */
async function lost(lastId: string, entriesRead: number | null): Promise<number[]> {
  const w = watch();
  await w.look({ lastId, entriesRead });
  return w.told;
}

describe('R19: entries that are gone before they were read', () => {
  test('because they were trimmed are counted, whatever is left', async () => {
    const ids = await add(10);
    expect(await lost('0-0', 0)).toEqual([]);
    await redis.xtrim('s', 'MINID', ids[4]!);
    expect(await lost(ids[3]!, 4)).toEqual([]);
    await redis.xtrim('s', 'MINID', ids[7]!);
    expect(await lost(ids[3]!, 4)).toEqual([3]);
    await redis.xtrim('s', 'MAXLEN', 0);
    expect(await lost(ids[3]!, 4)).toEqual([6]);
    expect(await lost(ids[9]!, 10)).toEqual([]);
  });

  test('because they were deleted in the middle, where `lag` is nil, show at the end', async () => {
    const ids = await add(5);
    await redis.xdel('s', ids[2]!);
    expect((await groupsOf(redis, 's'))[0]?.lag).toBeNull();
    expect(await lost(ids[4]!, 4)).toEqual([1]);
  });

  test('show in a stream that never rests as well: once the reader has passed where the end was', async () => {
    const w = watch();
    const ids = await add(6);
    let position: Position = w.advance({ lastId: '0-0', entriesRead: 0 }, entriesOf(ids.slice(0, 2)));
    await redis.xdel('s', ids[3]!);
    ({ position } = await w.look(position));
    expect(w.told).toEqual([]);
    const more = await add(4);
    position = w.advance(position, entriesOf([ids[2]!, ids[4]!]));
    expect(w.told).toEqual([]);
    position = w.advance(position, entriesOf([ids[5]!, ...more.slice(0, 2)]));
    expect(position).toEqual({ lastId: more[1], entriesRead: 8 });
    expect(w.told).toEqual([]);
    ({ position } = await w.lookWhenDue(position));
    expect(w.told).toEqual([1]);
    ({ position } = await w.look(w.advance(position, entriesOf(more.slice(2)))));
    expect([w.told, position]).toEqual([[1], { lastId: more[3], entriesRead: 10 }]);
  });

  test('are told once: the group is placed where they count as read', async () => {
    const ids = await add(5);
    await redis.xtrim('s', 'MINID', ids[3]!);
    const w = watch();
    const { position } = await positionOf(redis, 's', 'g');
    const looked = await w.look(position);
    expect([w.told, looked.misplaced]).toEqual([[3], true]);
    await placeGroup(redis, GROUP, looked.position);
    const again = await w.look((await positionOf(redis, 's', 'g')).position);
    expect([w.told, again.misplaced]).toEqual([[3], false]);
  });

  test('are no loss to one who has lost the claim: another replica had them, and they were trimmed', async () => {
    const w = watch();
    const ids = await add(6);
    let position: Position = w.advance({ lastId: '0-0', entriesRead: 0 }, entriesOf(ids.slice(0, 2)));
    ({ position } = await w.look(position));
    await redis.set(GROUP.claimKey, '2:b');
    await redis.xtrim('s', 'MINID', ids[4]!);
    const more = await add(1);
    position = w.advance(position, entriesOf([ids[4]!, ids[5]!, ...more]));
    await expect(w.lookWhenDue(position)).rejects.toThrow(FencedError);
    expect(w.told).toEqual([]);
  });

  test('cannot be told of a group that was moved by hand, until its reader has come to an end', async () => {
    const ids = await add(5);
    await redis.xgroup('SETID', 's', 'g', ids[1]!);
    const { position } = await positionOf(redis, 's', 'g');
    expect(position).toEqual({ lastId: ids[1], entriesRead: null });
    const w = watch();
    const read = w.advance((await w.look(position)).position, entriesOf(ids.slice(2)));
    expect(read).toEqual({ lastId: ids[4], entriesRead: 5 });
    await add(2);
    await redis.xtrim('s', 'MAXLEN', 0);
    await w.look(read);
    expect(w.told).toEqual([2]);
  });

  test('are none of a group that came later: it never was to have them', async () => {
    await add(5);
    await redis.xtrim('s', 'MAXLEN', 2);
    await ensureGroup(redis, 's', 'late');
    const { position } = await positionOf(redis, 's', 'late');
    expect(position).toEqual({ lastId: '0-0', entriesRead: 3 });
    expect(await lost(position.lastId, position.entriesRead)).toEqual([]);
  });
});

describe('R7: a stream that was deleted', () => {
  test('and is not there yet counts as one, and is read from its beginning', async () => {
    const ids = await add(3);
    await redis.del('s');
    const w = watch();
    expect(await w.look({ lastId: ids[2]!, entriesRead: 3 })).toEqual({
      position: { lastId: '0-0', entriesRead: 0 },
      misplaced: true,
    });
    expect([w.told, w.words[0]]).toEqual([[1], expect.stringContaining('nobody can say how many')]);
  });

  test('and began anew counts as one, however many it holds now, and is read on', async () => {
    // Not within one millisecond: ids of the new stream are greater.
    const ids = await add(10, '1000-*');
    const before: Position = { lastId: ids[9]!, entriesRead: 10 };
    await redis.del('s');
    const anew = await add(30);
    const w = watch();
    const { position, misplaced } = await w.look(before);
    expect([w.told[0], misplaced]).toEqual([1, true]);
    expect(position).toEqual({ lastId: ids[9], entriesRead: 0 });
    const read = w.advance(position, entriesOf(anew));
    await w.look(read);
    expect(w.told.filter((entries) => entries > 0)).toEqual([1]);
  });

  test('and began anew with lower ids, since the clock went back, is read from its beginning', async () => {
    await redis.xadd('s', '9999999999999-0', 'i', '0');
    await redis.del('s');
    const anew = await add(2);
    const w = watch();
    const { position } = await w.look({ lastId: '9999999999999-0', entriesRead: 1 });
    expect(position).toEqual({ lastId: '0-0', entriesRead: 0 });
    await w.look(w.advance(position, entriesOf(anew)));
    expect(w.told.filter((entries) => entries > 0)).toEqual([1]);
  });
});
