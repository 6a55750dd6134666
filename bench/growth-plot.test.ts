import { expect, test } from 'vitest';
import { growthPlot } from './growth-plot.ts';
import { AXES, FACTORS, growthTables, PARTS_OF_COST, tooSteep } from './growth-report.ts';
import type { Point } from './growth-report.ts';

function pointsOf(growth: number): Point[] {
  return AXES.flatMap((axis) =>
    FACTORS.map((factor) => {
      const each = factor === 10 ? 4 * growth : 4;
      const cost = { collector: each, processors: each, sinks: each, redis: each, clickhouse: each };
      return { axis, factor, size: factor * 1_000, cost: { ...cost, all: 5 * each } };
    }),
  );
}

test('the picture has a column of every size, and nothing leaves it', () => {
  const plot = growthPlot(pointsOf(1.5));
  const columns = AXES.length * FACTORS.length;
  for (const part of PARTS_OF_COST) {
    // One more in the legend.
    expect(plot.match(new RegExp(`<rect class="${part}"`, 'g'))).toHaveLength(columns + 1);
  }
  expect(plot.match(/30\.0 \(×1\.50\)/g)).toHaveLength(AXES.length);
  for (const [, y] of plot.matchAll(/ y1?="([-\d.]+)"/g)) {
    expect(Number(y)).toBeGreaterThanOrEqual(0);
    expect(Number(y)).toBeLessThanOrEqual(420);
  }
  expect(plot).not.toContain('NaN');
});

test('what grew beyond the aim is told in the tables, and what grew beyond the ceiling is an error', () => {
  expect(growthTables(pointsOf(1.2))).not.toMatch(/\bno\b/);
  expect(growthTables(pointsOf(1.5))).toMatch(/\bno\b/);
  expect(tooSteep(pointsOf(1.5))).toEqual({});
  expect(tooSteep(pointsOf(2.5)).tooSlow).toMatch(/2\.50 times as much/);
});
