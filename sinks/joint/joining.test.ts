import { getEventListeners } from 'node:events';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { FencedError, RetriableError } from '../../common/errors.ts';
import { rowFromLine } from '../../common/wire-row.ts';
import { until } from '../../common/testing/until.ts';
import { linesOf } from '../lines.ts';
import type { SinkBatch } from '../sink.ts';
import { aLog } from '../testing/rows.ts';
import { aStore } from '../testing/store.ts';
import type { Write } from '../testing/store.ts';
import { GROUP, keys, openLab, PARTITIONS } from '../testing/worker.ts';
import type { Lab, Working } from '../testing/worker.ts';
import { createJoining } from './joining.ts';

/** Several partitions of one process, with a store that does what the test wants; with the real engine: exactly-once.test.ts. */

let lab: Lab;
beforeAll(async () => {
  lab = await openLab();
});
beforeEach(() => lab.reset());
afterAll(() => lab[Symbol.asyncDispose]());

const logs = (n: number, from = 0) => Array.from({ length: n }, (_, i) => aLog(from + i));
const manifest = (partition: number) => lab.redis.get(keys.manifest(partition, 'log', GROUP));
const decisions = () => lab.redis.keys(keys.jointBatch(GROUP, '*'));
const idsIn = ({ chunks }: SinkBatch) => {
  const lines = linesOf(chunks);
  return Array.from({ length: lines.count }, (_, i) => {
    const { row } = rowFromLine('log', lines.slice(i, i + 1).toString());
    return String(row?.['event_id']);
  });
};

/** Something that a store waits for, once it has begun. */
function aGate() {
  let open = () => {};
  let begin = () => {};
  const opened = new Promise<void>((resolve) => (open = resolve));
  const begun = new Promise<void>((resolve) => (begin = resolve));
  const pass = async () => {
    begin();
    await opened;
  };
  return { pass, open, begun };
}

/** A store whose first write waits for the gate. */
function aGatedStore(write: Write = () => []) {
  const gate = aGate();
  const store = aStore(async (batch) => {
    if (store.tried.length === 1) await gate.pass();
    return write(batch);
  });
  return { store, gate };
}

/** Another whose joint batch falls asleep at its first attempt as well. */
function aSleepyStore() {
  const asleep = aGate();
  const gated = aGatedStore(async ({ rows, repeated }) => {
    if (rows === 20 && !repeated) await asleep.pass();
    return [];
  });
  return { ...gated, asleep };
}

/**
 * Workers of partitions 0, 1 and 2 with one turn to write. It is taken by a log of partition 0 until the others have offered what they have: 10 logs each, 100 to
 * 109 and 200 to 209.
 *
 * @param before what is done to the worker of partition 1 before the turn is free
 */
async function threeWorkers(
  { store, gate }: ReturnType<typeof aGatedStore>,
  before: (second: Working) => Promise<void> = () => Promise.resolve(),
) {
  let offers = 0;
  await lab.append('log', logs(1));
  const first = await lab.work(store.jointSink, { batch: { writes_max: 1 } });
  await gate.begun;
  const joining = first.joining!;
  const offer: typeof joining.offer = (...offered) => {
    offers += 1;
    return joining.offer(...offered);
  };
  const beside: Working = { ...first, joining: { ...joining, offer } };
  for (const partition of [1, 2]) await lab.append('log', logs(10, 100 * partition), 5, partition);
  const second = await lab.work(store.jointSink, { partition: 1, beside });
  const third = await lab.work(store.jointSink, { partition: 2, beside });
  await until('both have offered', () => offers === 2);
  await before(second);
  gate.open();
  return [first, second, third] as const;
}

const caughtUp = async () => {
  for (let partition = 0; partition < PARTITIONS; partition += 1) await lab.caughtUp('log', partition);
};

describe('partitions that offer at the same time', () => {
  test('write one batch, of which each commits its own', async () => {
    const gated = aGatedStore();
    const { store } = gated;
    const workers = await threeWorkers(gated);
    await caughtUp();
    expect(store.tried.map(({ rows, repeated }) => [rows, repeated])).toEqual([
      [1, false],
      [20, false],
    ]);
    const expected = [...logs(10, 100), ...logs(10, 200)].map(({ event_id }) => event_id);
    expect(idsIn(store.tried[1]!).toSorted()).toEqual(expected);
    expect(await Promise.all([0, 1, 2].map(manifest))).toEqual([null, null, null]);
    // Only what ends the connection for reads is left at the claims.
    const listening = ({ signal }: Working) => getEventListeners(signal, 'abort').length;
    await until('nothing of it is left', () => workers.every((worker) => listening(worker) === 1));
    await until('it is soon forgotten', async () => {
      const [key] = await decisions();
      return key === undefined || (await lab.redis.ttl(key)) <= 600;
    });
    await Promise.all(workers.map((worker) => worker.stop()));
  });

  test('go apart when the store refuses a row of one of them, which becomes that one’s dead letter', async () => {
    const gated = aGatedStore((batch) => {
      const index = idsIn(batch).indexOf('e105');
      return index === -1 ? [] : [{ index, reason: 'odd' }];
    });
    const { store } = gated;
    const workers = await threeWorkers(gated);
    await caughtUp();
    expect(store.tried.map(({ rows }) => rows)).toEqual([1, 20, 10, 10]);
    expect(await lab.redis.xlen(keys.stream(1, 'dead_letter'))).toBe(1);
    expect(await lab.redis.xlen(keys.stream(2, 'dead_letter'))).toBe(0);
    expect(await decisions()).toEqual([]);
    await Promise.all(workers.map((worker) => worker.stop()));
  });

  test('go without the one that has lost its claim before it wrote down its part', async () => {
    const gated = aGatedStore();
    const { store } = gated;
    const [first, second, third] = await threeWorkers(gated, (second) => second.lose());
    await expect(second.done).rejects.toThrow(FencedError);
    const next = await lab.work(store.jointSink, { partition: 1, replica: 'b' });
    await caughtUp();
    expect(store.tried.map(({ rows }) => rows)).toEqual([1, 10, 10]);
    await Promise.all([first, third, next].map((worker) => worker.stop()));
  });

  test('share the trouble with the store, and who loses its claim meanwhile leaves the others to it', async () => {
    let away = true;
    const gated = aGatedStore(({ rows }) => {
      if (rows === 20 && away) throw new RetriableError('the store is away');
      return [];
    });
    const { store } = gated;
    const [first, second, third] = await threeWorkers(gated);
    await until('both are told', () => [second, third].every(({ troubles }) => troubles.length > 0));
    await second.stop();
    away = false;
    await lab.caughtUp('log', 2);
    expect(third.troubles.at(-1)).toBeUndefined();
    // Its own is repeated by whoever is next, with that of the other.
    const next = await lab.work(store.jointSink, { partition: 1, replica: 'b' });
    await lab.caughtUp('log', 1);
    const joint = store.tried.filter(({ rows }) => rows === 20);
    expect(new Set(joint.map(({ token }) => token)).size).toBe(1);
    expect(joint.slice(1).every(({ repeated }) => repeated)).toBe(true);
    expect(store.rows()).toBe(21);
    await Promise.all([first, third, next].map((worker) => worker.stop()));
  });
});

describe('whoever takes over a partition', () => {
  test('repeats the joint batch as a whole, if it may have gone', async () => {
    const sleepy = aSleepyStore();
    const { store, asleep } = sleepy;
    const [first, second, third] = await threeWorkers(sleepy);
    await asleep.begun;
    await second.lose();
    const next = await lab.work(store.jointSink, { partition: 1, replica: 'b' });
    await lab.caughtUp('log', 1);
    asleep.open();
    await expect(second.done).rejects.toThrow(FencedError);
    await lab.caughtUp('log', 2);
    const [once, again] = store.tried.filter(({ rows }) => rows === 20);
    expect([again!.token, again!.repeated, idsIn(again!)]).toEqual([once!.token, true, idsIn(once!)]);
    expect(store.rows()).toBe(21);
    await Promise.all([first, third, next].map((worker) => worker.stop()));
  });

  test('repeats it once for all partitions that it takes over', async () => {
    const sleepy = aSleepyStore();
    const { store, asleep } = sleepy;
    const [first, ...others] = await threeWorkers(sleepy);
    await asleep.begun;
    for (const worker of others) await worker.lose();
    const one = await lab.work(store.jointSink, { partition: 1, replica: 'b' });
    const two = await lab.work(store.jointSink, { partition: 2, replica: 'b', beside: one });
    await caughtUp();
    asleep.open();
    await Promise.allSettled(others.map(({ done }) => done));
    expect(store.tried.filter(({ rows }) => rows === 20).length).toBe(2);
    await Promise.all([first, one, two].map((worker) => worker.stop()));
  });

  test('lets its own part go by itself, if it was not decided that it goes; and then it never does', async () => {
    const ids = await lab.append('log', logs(10, 100), 5, 1);
    const alone = { token: 'alone', after_id: '0-0', first_id: ids[0], last_id: ids[1], entries: 2 };
    await lab.redis.set(keys.manifest(1, 'log', GROUP), JSON.stringify({ ...alone, joint: 'undecided' }));
    const store = aStore();
    const worker = await lab.work(store.jointSink, { partition: 1 });
    await lab.caughtUp('log', 1);
    expect(store.tried.map(({ token, rows }) => [token, rows])).toEqual([['alone', 10]]);
    expect(await lab.redis.get(keys.jointBatch(GROUP, 'undecided'))).toBe('apart');
    await worker.stop();
  });
});

test('all streams of a kind depart at the same moment, and kinds one after the other', () => {
  const nothing = {} as Parameters<typeof createJoining>[0];
  const joining = createJoining(nothing, 0.25);
  expect([0, 249, 250, 1000, 1249].map((now) => joining.departure('log', now, 1000))).toEqual([
    250, 250, 1250, 1250, 1250,
  ]);
  expect(joining.departure('summary', 0, 1000)).toBeCloseTo(583.3, 1);
  expect(joining.departure('log', 0, 0.5)).toBeLessThanOrEqual(0.5);
});
