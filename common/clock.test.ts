import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { systemClock } from './clock.ts';

const DAY_MS = 86_400_000;

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

test.each([1, 30, 90])('a sleep of %d days is no shorter, whatever a timer can hold', async (days) => {
  let awake = false;
  void systemClock.sleep(days * DAY_MS).then(() => (awake = true));
  await vi.advanceTimersByTimeAsync(days * DAY_MS - 1);
  expect(awake).toBe(false);
  await vi.advanceTimersByTimeAsync(1);
  expect(awake).toBe(true);
  expect(vi.getTimerCount()).toBe(0);
});

test('a sleep ends with its signal, in its second piece, too', async () => {
  const ending = new AbortController();
  let awake = false;
  void systemClock.sleep(30 * DAY_MS, ending.signal).then(() => (awake = true));
  await vi.advanceTimersByTimeAsync(26 * DAY_MS);
  expect(awake).toBe(false);
  ending.abort();
  await vi.advanceTimersByTimeAsync(0);
  expect(awake).toBe(true);
  expect(vi.getTimerCount()).toBe(0);
});
