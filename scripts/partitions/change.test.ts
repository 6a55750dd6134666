import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { describeError, FatalError } from '../../common/errors.ts';
import { partitionOf } from '../../common/partition.ts';
import { acquireClaim, releaseClaim } from '../../common/redis/claim-scripts.ts';
import { joinDeployment } from '../../common/redis/deployment.ts';
import { ensureGroups, groupsOf, PROCESSOR_GROUP } from '../../common/redis/groups.ts';
import { STREAM_KINDS } from '../../common/redis/keys.ts';
import { GUARD_CHANGING, mayWork, readDeployment } from '../../common/redis/partition-change.ts';
import type { ChangeStep } from '../../common/redis/partition-change.ts';
import { until } from '../../common/testing/until.ts';
import { createFixture, keys, refuse } from './fixture.ts';
import type { Fixture } from './fixture.ts';

const SINKS = [{ name: 'a', streams: STREAM_KINDS }];
let fixture: Fixture;
beforeAll(async () => {
  fixture = await createFixture();
});
beforeEach(async () => {
  const { redis } = fixture;
  await redis.flushall();
  await joinDeployment(redis, keys, 4);
  await ensureGroups(redis, keys, 4, SINKS, refuse);
});
afterAll(() => fixture.end());

const changing = async () => (await readDeployment(fixture.redis, keys)).change;
const guards = () => fixture.redis.mget(Array.from({ length: 7 }, (_, partition) => keys.guard(partition)));
const fail = async (change: Promise<unknown>) => {
  const error: unknown = await change.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(FatalError);
  return describeError(error);
};
/** As a command that was killed leaves it. */
const halfway = (step: ChangeStep, from = 4, to = 7) =>
  fixture.redis.hset(keys.meta(), { changing_from: from, changing_to: to, changing_step: step });

describe('a change', () => {
  test('gives new partitions the groups of the others, shuts what is no more, and records the number', async () => {
    const { redis, change } = fixture;
    await redis.xgroup('CREATE', keys.stream(2, 'summary'), 'sink:of-another-config', '0');
    expect(await change(7)).toMatchObject({ kind: 'changed', change: { from: 4, to: 7 } });
    expect(await readDeployment(redis, keys)).toEqual({ partitions: 7, format: '1', change: undefined });
    const names = async (partition: number, kind: 'log' | 'summary') =>
      (await groupsOf(redis, keys.stream(partition, kind))).map(({ name }) => name).sort();
    expect(await names(6, 'log')).toEqual(['processor', 'sink:a']);
    expect(await names(6, 'summary')).toEqual(['sink:a', 'sink:of-another-config']);
    expect(await guards()).toEqual(Array(7).fill('7'));

    expect(await change(2)).toMatchObject({ kind: 'changed', change: { from: 7, to: 2 } });
    expect(await guards()).toEqual(Array(7).fill('2'));
    const left = (await redis.keys('t:{[2-9]}:*')).filter((key) => !key.endsWith(':guard'));
    expect(left).toEqual([]);
    expect(await redis.exists(keys.changeClaim(), keys.claim(0, PROCESSOR_GROUP))).toBe(0);
  });

  test('to the number that is in force, or of what was never started, is told so', async () => {
    expect(await fixture.change(4)).toEqual({ kind: 'same', partitions: 4 });
    await fixture.redis.flushall();
    expect(await fail(fixture.change(4))).toContain('just set `partitions: 4`');
  });

  test('waits for everything to be taken; in vain, it says who is behind and leaves all as it was', async () => {
    const { redis, change } = fixture;
    await redis.xadd(keys.stream(3, 'summary'), '*', 'v', '1');
    const words = await fail(change(7, { waitMs: 300 }));
    expect(words).toContain('nothing was changed, there are 4 partitions as before');
    expect(words).toContain('sink:a: 1 entries in 1 partitions to go; nobody works on some of them: start');
    expect(words).toContain('--drop-group sink:a');
    expect(await changing()).toBeUndefined();
    expect((await guards()).slice(0, 4)).toEqual(Array(4).fill('4'));
    expect(await redis.xlen(keys.stream(3, 'summary'))).toBe(1);
    await redis.xgroup('SETID', keys.stream(3, 'summary'), 'sink:a', '$');
    expect(await change(7)).toMatchObject({ kind: 'changed' });
  });

  test('need not wait for a group that is dropped, which must be nobody’s', async () => {
    const { redis, change } = fixture;
    await redis.xadd(keys.stream(1, 'summary'), '*', 'v', '1');
    expect(await fail(change(2, { dropGroups: ['sink:b'] }))).toContain('there are: sink:a');
    expect(await fail(change(2, { dropGroups: ['processor'] }))).toContain('processor is no group that');
    await redis.set(keys.claim(1, 'sink:a'), '1:host-1');
    expect(await fail(change(2, { dropGroups: ['sink:a'] }))).toContain('host-1 works for it');
    await redis.del(keys.claim(1, 'sink:a'));
    expect(await change(2, { dropGroups: ['sink:a'] })).toMatchObject({ kind: 'changed' });
    expect(await groupsOf(redis, keys.stream(0, 'log'))).toMatchObject([{ name: 'processor' }]);
  });

  test('is refused when entries that nobody reads would go', async () => {
    const { redis, change } = fixture;
    await redis.xgroup('DESTROY', keys.stream(3, 'dead_letter'), 'sink:a');
    await redis.xadd(keys.stream(3, 'dead_letter'), '*', 'v', '1');
    expect(await fail(change(2))).toContain(`${keys.stream(3, 'dead_letter')} would go, but holds 1 entries`);
    expect(await changing()).toBeUndefined();
    expect(await change(7)).toMatchObject({ kind: 'changed' });
  });

  test('waits for the processors to let go, then for the sinks, and tells them so', async () => {
    const { redis, change } = fixture;
    const hold = async (group: string) => {
      const key = keys.claim(0, group);
      const { token } = await acquireClaim(redis, key, keys.epoch(0, group), 'host-1', 60_000);
      return () => releaseClaim(redis, key, token!);
    };
    const may = (group: string) => mayWork(redis, keys, 4, group);
    const [processor, sink] = [await hold(PROCESSOR_GROUP), await hold('sink:a')];
    const changed = change(7);
    await until('processors may not work', async () => !(await may(PROCESSOR_GROUP)));
    expect(await may('sink:a')).toBe(true);
    await joinDeployment(redis, keys, 4);
    await processor();
    await until('sinks may not work', async () => !(await may('sink:a')));
    await expect(joinDeployment(redis, keys, 4)).rejects.toThrow(
      '`tranweave partitions --to 7` is not at work',
    );
    await expect(joinDeployment(redis, keys, 7)).rejects.toThrow('being changed from 4 to 7');
    expect((await changing())?.step).toBe('move');
    await sink();
    await changed;
    await expect(may('sink:a')).rejects.toThrow('set `partitions: 7` and start it again');
    await joinDeployment(redis, keys, 7);
  });

  test('that is stopped before the switch is taken back', async () => {
    const { redis, change } = fixture;
    await redis.set(keys.claim(0, 'sink:a'), '1:host-1');
    const stop = new AbortController();
    const changed = fail(change(7, { stopping: stop.signal }));
    await until('it waits for the sink', async () => (await changing())?.step === 'move');
    stop.abort();
    expect(await changed).toContain('nothing was changed, there are 4 partitions as before: stopped');
    expect(await changing()).toBeUndefined();
  });

  test('goes on when Redis was away in the middle of the move', async () => {
    const { redis, change, server } = fixture;
    const ids = Array.from({ length: 10_000 }, (_, i) => `T${i}`);
    const placed = (partitions: number) => ids.map((id) => keys.transaction(partitionOf(id, partitions), id));
    await redis.mset(placed(4).flatMap((key) => [key, 'a record']));
    const changed = change(7);
    await until('it moves', async () => (await redis.exists(placed(7))) > ids.length / 4);
    expect(await changing()).toMatchObject({ step: 'move' });
    await server.restart();
    expect(await changed).toMatchObject({ kind: 'changed' });
    expect((await redis.keys('t:{*}:txn:*')).sort()).toEqual(placed(7).sort());
  });

  test('of another command is not disturbed', async () => {
    const { redis, change } = fixture;
    const key = keys.claim(0, PROCESSOR_GROUP);
    const { token } = await acquireClaim(redis, key, keys.epoch(0, PROCESSOR_GROUP), 'host-1', 60_000);
    const first = change(7);
    await until('it waits', async () => (await changing())?.step === 'store');
    expect(await fail(change(7, { claimMs: 0 }))).toContain(
      'another `tranweave partitions` is at work: the test',
    );
    await releaseClaim(redis, key, token!);
    expect(await first).toMatchObject({ kind: 'changed' });
  });

  test('ends without a word to Redis when its claim went to another', async () => {
    const { redis, change } = fixture;
    await redis.set(keys.claim(0, 'sink:a'), '1:host-1');
    const changed = fail(change(7));
    await until('it waits for the sink', async () => (await changing())?.step === 'move');
    await redis.set(keys.changeClaim(), '99:other');
    await redis.del(keys.claim(0, 'sink:a'));
    expect(await changed).toContain('another command has taken the change over');
    expect(await readDeployment(redis, keys)).toMatchObject({ partitions: 4, change: { step: 'move' } });
  });
});

describe('a change that was cut short', () => {
  test.each(['merge', 'store', 'move'] as const)(
    'in %s is finished, or taken back, and nothing else',
    async (step) => {
      const { redis, change } = fixture;
      await halfway(step);
      for (let partition = 0; partition < 4; partition += 1)
        await redis.set(keys.guard(partition), GUARD_CHANGING);
      expect(await fail(change(5))).toContain('finish it with --to 7, or take it back with --to 4');
      expect(await change(4)).toMatchObject({ kind: 'taken back' });
      expect((await guards()).slice(0, 4)).toEqual(Array(4).fill('4'));
      expect(await redis.keys('t:{[4-9]}:*:*')).toEqual([]);
      await joinDeployment(redis, keys, 4);
      await halfway(step);
      expect(await change(7)).toMatchObject({ kind: 'changed' });
      await joinDeployment(redis, keys, 7);
    },
  );

  test('after the switch can only be finished', async () => {
    const { redis, change } = fixture;
    await halfway('tidy', 4, 2);
    await redis.hset(keys.meta(), 'partitions', 2);
    expect(await fail(change(4))).toMatch(/finish it with --to 2$/);
    expect(await change(2)).toMatchObject({ kind: 'changed' });
    expect(await redis.exists(keys.stream(3, 'log'))).toBe(0);
    await joinDeployment(redis, keys, 2);
  });

  test('goes on as soon as the claims of the one that was killed have expired', async () => {
    const { redis, change } = fixture;
    await halfway('move');
    await redis.set(keys.changeClaim(), '1:killed', 'PX', 500);
    for (let partition = 0; partition < 7; partition += 1) {
      await redis.set(keys.claim(partition, PROCESSOR_GROUP), '1:killed', 'PX', 700);
    }
    expect(await change(7)).toMatchObject({ kind: 'changed' });
    expect(fixture.said).toContain('waiting for another `tranweave partitions` to end: killed');
  });
});
