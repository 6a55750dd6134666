import { expect, test } from 'vitest';
import { systemClock } from '../common/clock.ts';
import { busyShare, createGathering } from './gathering.ts';

test('takes a moment at leisure, and as long as it may in a busy process', () => {
  let share = 0;
  const gathering = createGathering(200, () => share);
  for (let i = 0; i < 8; i += 1) gathering.begin();
  const delays = [0, 0.96, 0.98, 0.995, 1].map((busy) => {
    share = busy;
    return gathering.delayMs();
  });
  expect(delays).toEqual([24, 24, 125, 200, 200]);
});

test('is longer the more partitions take turns, and shorter again when they are let go', () => {
  const gathering = createGathering(200, () => 0);
  expect(gathering.delayMs()).toBe(20);
  const ends = Array.from({ length: 100 }, () => gathering.begin());
  expect(gathering.delayMs()).toBe(200);
  for (const end of ends.slice(0, 90)) end();
  expect(gathering.delayMs()).toBe(30);
});

test('is never longer than what is configured', () => {
  expect(createGathering(5, () => 0).delayMs()).toBe(5);
  expect(createGathering(0, () => 1).delayMs()).toBe(0);
});

test('busy is a process that computes, on a machine that tells nothing as well, once somebody has looked for ten seconds', async () => {
  let now = 0;
  const share = busyShare({ ...systemClock, now: () => now }, () => ({ all: 0, idle: 0 }));
  await new Promise(setImmediate);
  for (const end = performance.now() + 50; performance.now() < end;);
  expect(share()).toBe(0);
  now += 10_000;
  expect(share()).toBeGreaterThan(0);
});

test('and one that rests on a machine that does not', async () => {
  let now = 0;
  let times = { all: 1000, idle: 500 };
  const share = busyShare({ ...systemClock, now: () => now }, () => times);
  await new Promise((resolve) => setTimeout(resolve, 20));
  times = { all: 2000, idle: 510 };
  now += 10_000;
  expect(share()).toBeGreaterThanOrEqual(0.99);
});
