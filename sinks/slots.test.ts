import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { createSlots } from './slots.ts';

const never = new AbortController().signal;

/** Work that ends when it is told to. */
function held() {
  let end = () => {};
  const ended = new Promise<void>((resolve) => (end = resolve));
  return { work: () => ended, end };
}

test('at most so many pieces of work run at a time, the others in the order they came', async () => {
  const slots = createSlots(() => 2);
  const running = new Set<number>();
  const order: number[] = [];
  let most = 0;
  const work = (i: number) => async () => {
    running.add(i);
    order.push(i);
    most = Math.max(most, running.size);
    await turn();
    running.delete(i);
    return i;
  };
  const results = await Promise.all([0, 1, 2, 3, 4, 5].map((i) => slots.run(work(i), never)));
  expect([results, order, most]).toEqual([[0, 1, 2, 3, 4, 5], [0, 1, 2, 3, 4, 5], 2]);
});

test('a slot is free again after work that failed', async () => {
  const slots = createSlots(() => 1);
  await expect(slots.run(() => Promise.reject(new Error('no')), never)).rejects.toThrow('no');
  expect(await slots.run(() => Promise.resolve('next'), never)).toBe('next');
});

test('who gives up waiting gets nothing, and those behind are not held up', async () => {
  const slots = createSlots(() => 1);
  const first = held();
  const running = slots.run(first.work, never);
  const stop = new AbortController();
  let ran = false;
  const waiting = slots.run(() => Promise.resolve((ran = true)), stop.signal);
  const behind = slots.run(() => Promise.resolve('behind'), never);
  stop.abort();
  expect(await waiting).toBeUndefined();
  first.end();
  await running;
  expect([await behind, ran]).toEqual(['behind', false]);
});

test('who comes with an aborted signal does not run', async () => {
  expect(await createSlots(() => 1).run(() => Promise.resolve(1), AbortSignal.abort())).toBeUndefined();
});

test('fewer run when there are to be fewer, and more again when there may be', async () => {
  let max = 2;
  const slots = createSlots(() => max);
  const works = [held(), held(), held(), held()];
  const begun: number[] = [];
  const runs = works.map(({ work }, i) =>
    slots.run(() => {
      begun.push(i);
      return work();
    }, never),
  );
  await turn();
  expect(begun).toEqual([0, 1]);
  max = 1;
  works[0]!.end();
  await runs[0];
  expect(begun).toEqual([0, 1]);
  max = 2;
  works[1]!.end();
  await runs[1];
  await turn();
  expect(begun).toEqual([0, 1, 2, 3]);
  works[2]!.end();
  works[3]!.end();
  await Promise.all(runs);
});
