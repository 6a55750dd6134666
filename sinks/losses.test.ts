import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { FencedError, RetriableError } from '../common/errors.ts';
import { until } from '../common/testing/until.ts';
import { aLog } from './testing/rows.ts';
import { aStore } from './testing/store.ts';
import { GROUP, keys, openLab } from './testing/worker.ts';
import type { Lab } from './testing/worker.ts';

let lab: Lab;
beforeAll(async () => {
  lab = await openLab();
});
beforeEach(() => lab.reset());
afterAll(() => lab[Symbol.asyncDispose]());

const logs = (n: number, from = 0) => Array.from({ length: n }, (_, i) => aLog(from + i));
const manifest = () => lab.redis.get(keys.manifest(0, 'log', GROUP));

describe('what vanishes from Redis', () => {
  test('R19: before it was read is counted', async () => {
    await lab.append('log', logs(10), 1);
    await lab.redis.xtrim(keys.stream(0, 'log'), 'MAXLEN', 4);
    const store = aStore();
    const worker = await lab.work(store.sink);
    await lab.caughtUp();
    expect([store.rows(), await worker.counted('tranweave_sink_lost_entries_total')]).toEqual([4, 6]);
    await worker.stop();
  });

  test('R1, R2: of a begun batch is counted once, and the rest is stored', async () => {
    const first = aStore(() => {
      throw new RetriableError('down');
    });
    const ids = await lab.append('log', logs(10), 1);
    const former = await lab.work(first.sink);
    await until('it was tried', () => first.tried.length > 0);
    await former.stop();
    await lab.append('log', logs(2, 10), 1);
    await lab.redis.xtrim(keys.stream(0, 'log'), 'MINID', ids[3]!);
    const store = aStore();
    const worker = await lab.work(store.sink, { replica: 'b' });
    await lab.caughtUp();
    expect([store.rows(), await worker.counted('tranweave_sink_lost_entries_total')]).toEqual([9, 3]);
    await worker.stop();
  });

  test('what another replica has stored and trimmed meanwhile does not count for one that was paused over a begun batch', async () => {
    const ids = await lab.append('log', logs(2), 1);
    const begun = { token: 't', after_id: '0-0', first_id: ids[0], last_id: ids[1], entries: 2 };
    await lab.redis.set(keys.manifest(0, 'log', GROUP), JSON.stringify(begun));
    const get: (key: string) => Promise<string | null> = lab.redis.get.bind(lab.redis);
    const pausedOver = vi.spyOn(lab.redis, 'get').mockImplementation(async (key) => {
      const answer = await get(String(key));
      if (key === keys.manifest(0, 'log', GROUP)) {
        await lab.redis.set(keys.claim(0, GROUP), '99:another');
        await lab.redis.del(keys.manifest(0, 'log', GROUP));
        await lab.redis.xtrim(keys.stream(0, 'log'), 'MAXLEN', 0);
      }
      return answer;
    });
    const worker = await lab.work(aStore().sink);
    await expect(worker.done).rejects.toBeInstanceOf(FencedError);
    pausedOver.mockRestore();
    expect(await worker.counted('tranweave_sink_lost_entries_total')).toBe(0);
  });

  test('a begun batch as a whole, is not written at all', async () => {
    const ids = await lab.append('log', logs(2), 1);
    const begun = { token: 'gone', after_id: '0-0', first_id: ids[0], last_id: ids[1], entries: 2 };
    await lab.redis.set(keys.manifest(0, 'log', GROUP), JSON.stringify(begun));
    await lab.redis.xtrim(keys.stream(0, 'log'), 'MAXLEN', 0);
    const store = aStore();
    const worker = await lab.work(store.sink);
    await until('it is committed', async () => (await manifest()) === null);
    expect([store.tried.length, await worker.counted('tranweave_sink_lost_entries_total')]).toEqual([0, 2]);
    await worker.stop();
  });

  test('R6: the group, is made again where it stood: nothing is stored twice', async () => {
    const store = aStore();
    await lab.append('log', logs(5));
    const worker = await lab.work(store.sink);
    await lab.caughtUp();
    await lab.redis.xgroup('DESTROY', keys.stream(0, 'log'), GROUP);
    await lab.append('log', logs(5, 5));
    await lab.caughtUp();
    expect(store.tried.map(({ rows }) => rows)).toEqual([5, 5]);
    await worker.stop();
  });

  test('R7: the stream with it, is told, and what comes later is stored', async () => {
    let gone = false;
    const store = aStore(async () => {
      if (!gone) await lab.redis.del(keys.stream(0, 'log'));
      gone = true;
      return [{ index: 0, reason: 'no room' }];
    });
    await lab.append('log', logs(5), 1);
    const worker = await lab.work(store.sink, { batch: { rows_max: 3 } });
    await until('the first batch is committed', async () => (await manifest()) === null && gone);
    await until(
      'the loss is told',
      async () => (await worker.counted('tranweave_sink_lost_entries_total')) > 0,
    );
    await lab.append('log', logs(3, 5), 1);
    await lab.caughtUp();
    expect([store.rows(), await worker.counted('tranweave_sink_lost_entries_total')]).toEqual([6, 1]);
    // What the store refused of the entries that are gone is kept nevertheless.
    expect(await lab.redis.xlen(keys.stream(0, 'dead_letter'))).toBeGreaterThan(0);
    await worker.stop();
  });
});
