import * as v from 'valibot';
import { expect, test } from 'vitest';
import { batchConfigSchema } from './config.ts';
import type { BatchConfig } from './config.ts';
import { createPace } from './pace.ts';
import type { Pressure } from './pressure.ts';

const CONFIG = v.parse(batchConfigSchema, {
  rows_max: 1000,
  bytes_max: '1MiB',
  delay_max: '2s',
  writes_max: 4,
});

/** With one stream, and a store that is slow enough to have the whole delay. */
const paceOf = (config: BatchConfig) => {
  const pace = createPace(config);
  pace.begin('log');
  times(30, () => pace.onStored(5000));
  return pace;
};

const times = (n: number, act: () => void) => {
  for (let i = 0; i < n; i += 1) act();
};

test('is as configured while the store complains of nothing', () => {
  const pace = paceOf(CONFIG);
  times(3, () => pace.onStored(5000));
  expect([pace.batch(), pace.writes()]).toEqual([CONFIG, 4]);
});

test('for want of memory batches are halved and come one at a time', () => {
  const pace = paceOf(CONFIG);
  times(2, () => pace.onPressure('memory'));
  expect(pace.batch()).toEqual({ ...CONFIG, rows_max: 250, bytes_max: 262_144 });
  expect(pace.writes()).toBe(1);
});

test('for too many parts batches wait longer', () => {
  const pace = paceOf(CONFIG);
  times(2, () => pace.onPressure('parts'));
  expect([pace.batch(), pace.writes()]).toEqual([{ ...CONFIG, delay_max: 8000 }, 4]);
});

test('for too many requests fewer are written at a time', () => {
  const pace = paceOf(CONFIG);
  pace.onPressure('requests');
  expect([pace.batch(), pace.writes()]).toEqual([CONFIG, 2]);
});

test.each<Pressure>(['memory', 'parts', 'requests'])(
  'however long the store complains of %s, there is a bound, and it comes back step by step',
  (pressure) => {
    const pace = paceOf(CONFIG);
    times(100, () => pace.onPressure(pressure));
    const { rows_max, bytes_max, delay_max } = pace.batch();
    expect(rows_max).toBeGreaterThanOrEqual(15);
    expect(bytes_max).toBeGreaterThanOrEqual(16_384);
    expect(delay_max).toBeLessThanOrEqual(30_000);
    expect(pace.writes()).toBeGreaterThanOrEqual(1);
    pace.onStored(5000);
    expect([pace.batch(), pace.writes()]).not.toEqual([CONFIG, 4]);
    times(30, () => pace.onStored(5000));
    expect([pace.batch(), pace.writes()]).toEqual([CONFIG, 4]);
  },
);

test('a delay that is configured longer than any pace would make it is not made longer', () => {
  const pace = createPace({ ...CONFIG, delay_max: 60_000 });
  pace.begin('log');
  pace.onPressure('parts');
  expect(pace.batch().delay_max).toBe(15_000);
});

test('batches of a store that takes them quickly wait less, but a quarter, and longer again when it gets slow', () => {
  const pace = createPace(CONFIG);
  const ends = Array.from({ length: 16 }, () => pace.begin('log'));
  expect(pace.batch().delay_max).toBe(500);
  times(30, () => pace.onStored(20));
  expect(pace.batch().delay_max).toBe(500);
  times(30, () => pace.onStored(200));
  expect(pace.batch().delay_max).toBeCloseTo(1600, -1);
  times(30, () => pace.onStored(400));
  expect(pace.batch()).toEqual(CONFIG);
  for (const end of ends.slice(1)) end();
  expect(pace.batch().delay_max).toBe(500);
});

test('streams that write together count as one of each kind', () => {
  const delayOf = (joint: boolean) => {
    const pace = createPace({ ...CONFIG, delay_max: 4000 }, { joint });
    for (let i = 0; i < 8; i += 1) for (const kind of ['log', 'summary'] as const) pace.begin(kind);
    times(100, () => pace.onStored(1500));
    return Math.round(pace.batch().delay_max);
  };
  expect([delayOf(false), delayOf(true)]).toEqual([4000, 1500]);
});
