import { markdownTable, whole } from './report.ts';

/** What grows, and what a log costs then. */

export const AXES = ['logs', 'open transactions', 'partitions'] as const;
export type Axis = (typeof AXES)[number];

export const FACTORS = [1, 3, 10] as const;

export const PARTS_OF_COST = ['collector', 'processors', 'sinks', 'redis', 'clickhouse'] as const;

/** CPU µs per log. */
export type Cost = Record<(typeof PARTS_OF_COST)[number] | 'all', number>;

export interface Point {
  axis: Axis;
  factor: number;
  size: number;
  cost: Cost;
}

/** A log of the largest case may cost so many times as much as one of the small case. */
export const GROWTH_AIM = 1.3;
/** What is beyond it has become worse than it was. */
const GROWTH_CEILING = 2;
/** Parts that cost less are lost in the kernel's ticks: they are compared together with the others only. */
const MICROS_MIN = 1;

const COLUMNS = [...PARTS_OF_COST, 'all'] as const;

export function growthTables(points: readonly Point[]): string {
  return AXES.map((axis) => tableOf(axis, points)).join('\n\n');
}

function tableOf(axis: Axis, points: readonly Point[]): string {
  const grown = pointsOf(axis, points);
  const [small] = grown;
  if (small === undefined) return '';
  const rows = grown.map(({ size, cost }) => [
    whole(size),
    ...COLUMNS.map((name) => `${cost[name].toFixed(1)} (${(cost[name] / small.cost[name]).toFixed(2)})`),
  ]);
  const reached = COLUMNS.map((name) => {
    const ratio = ratioOf(name, grown);
    return ratio === undefined ? 'too little to tell' : ratio <= GROWTH_AIM ? 'yes' : 'no';
  });
  const titles = [axis, ...PARTS_OF_COST, 'in all'];
  return markdownTable(titles, [...rows, [`within ${GROWTH_AIM}`, ...reached]]);
}

/** Points of an axis, the smallest first. */
export function pointsOf(axis: Axis, points: readonly Point[]): Point[] {
  return points.filter((point) => point.axis === axis).sort((a, b) => a.factor - b.factor);
}

/** Of the largest to the smallest; undefined where that would say nothing. */
function ratioOf(name: (typeof COLUMNS)[number], grown: readonly Point[]): number | undefined {
  const [from, to] = [grown[0]?.cost[name] ?? 0, grown.at(-1)?.cost[name] ?? 0];
  return from < MICROS_MIN && to < MICROS_MIN ? undefined : to / from;
}

export function tooSteep(points: readonly Point[]): { tooSlow?: string } {
  const words = AXES.flatMap((axis) => {
    const ratio = ratioOf('all', pointsOf(axis, points)) ?? 1;
    return ratio <= GROWTH_CEILING
      ? []
      : [`ten times the ${axis}: a log costs ${ratio.toFixed(2)} times as much, more than ${GROWTH_CEILING}`];
  });
  return words.length === 0 ? {} : { tooSlow: words.join('\n') };
}
