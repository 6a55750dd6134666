import { describe, expect, test } from 'vitest';
import { createLatencies } from './latency-report.ts';
import { percentile } from './report.ts';
import { LATENCY_TARGETS } from './targets.ts';
import type { LatencyEnd } from './targets.ts';

const ENDS = Object.keys(LATENCY_TARGETS) as LatencyEnd[];

describe('latencies', () => {
  test('count from when a log was due to the first time that it was there', () => {
    const latencies = createLatencies(2, (place) => 1_000 + place);
    for (const end of ENDS) {
      latencies.note(end, 0, 1_040);
      latencies.note(end, 0, 1_010);
      latencies.note(end, 1, 1_021);
      latencies.note(end, 0, 1_030);
    }
    expect(latencies.figures().summary).toEqual({ p50: 10, p95: 20, p99: 20, max: 20 });
  });

  test('are worth nothing when a log never came, unless nobody looks at it', () => {
    const latencies = createLatencies(2, (place) => (place === 0 ? undefined : 0));
    expect(() => latencies.figures()).toThrow('log 1 never came');
    for (const end of ENDS) latencies.note(end, 1, 5);
    expect(latencies.figures().logRow.max).toBe(5);
  });
});

test('a percentile is a value that was found', () => {
  expect(percentile([1, 2, 3, 4], 0.5)).toBe(2);
  expect(percentile([1, 2, 3, 4], 0.99)).toBe(4);
  expect(percentile([], 0.99)).toBeNaN();
});
