import * as v from 'valibot';
import { expect, test } from 'vitest';
import type { Clock } from '../common/clock.ts';
import type { StreamEntry } from '../common/stream-entry.ts';
import { batchConfigSchema } from './config.ts';
import { cutDown, gather } from './fill-batch.ts';

const entry = (id: number, rows: number): StreamEntry => ({
  id: `${id}-0`,
  rows,
  body: Buffer.alloc(rows * 100),
  fields: [],
});
const bounds = (more: object) => v.parse(batchConfigSchema, more);

test('what was gathered before bounds became narrower is cut down to them, in order, but never to nothing', () => {
  const kept = (more: object) => {
    const entries = [entry(1, 10), entry(2, 10), entry(3, 10), entry(4, 10)];
    cutDown(bounds(more), entries);
    return entries.map(({ id }) => id);
  };
  expect(kept({})).toEqual(['1-0', '2-0', '3-0', '4-0']);
  expect(kept({ rows_max: 25 })).toEqual(['1-0', '2-0']);
  expect(kept({ bytes_max: '3KiB' })).toEqual(['1-0', '2-0', '3-0']);
  expect(kept({ rows_max: 1 })).toEqual(['1-0']);
});

test('a batch that may wait for long shows at each look that it is no stall', async () => {
  let now = 0;
  const clock: Clock = {
    now: () => now,
    sleep: (ms) => {
      now += ms;
      return Promise.resolve();
    },
  };
  const reader = {
    read: (afterId: string) => Promise.resolve(afterId === '0-0' ? [entry(1, 1)] : []),
    range: () => Promise.resolve([]),
  };
  let [silentSince, longestSilence] = [0, 0];
  const entries = await gather({
    reader,
    batch: bounds({ delay_max: '10m' }),
    clock,
    afterId: '0-0',
    signal: new AbortController().signal,
    deadlineOf: (delayMs) => delayMs,
    onLook: () => {
      longestSilence = Math.max(longestSilence, now - silentSince);
      silentSince = now;
    },
  });
  expect([entries.length, now]).toEqual([1, 600_000]);
  expect(longestSilence).toBeGreaterThan(0);
  expect(longestSilence).toBeLessThan(1000);
  expect(now - silentSince).toBeLessThan(1000);
});
