import type { Latencies } from './latency-report.ts';
import { markdownTable, median, whole } from './report.ts';

/** What is aimed at, and below what `--check` ends with an error. */

export interface Target {
  /** What is measured, in the words of the tables. */
  what: string;
  reference: string;
  /** Share of the reference that is aimed at, if there is an aim. */
  aim?: number;
  /** Share below which something has become slower than it was. */
  floor: number;
}

/** One stage beside its reference in one run; both per second. */
export interface Compared {
  value: number;
  reference: number;
}

/** Below this many logs a second the whole way is not good enough. */
export const WHOLE_WAY_FLOOR = 20_000;

export const TARGETS = {
  file: {
    what: 'file (JSON lines) → Redis',
    reference: 'bare loop of split and JSON.parse, same file',
    aim: 0.35,
    floor: 0.1,
  },
  batches: {
    what: 'HTTP → Redis, NDJSON, 500 a body, 4 connections',
    reference: 'the same bodies to a Hono handler that only reads them',
    aim: 0.35,
    floor: 0.07,
  },
  singles: {
    what: 'HTTP → Redis, one log a POST, 64 connections',
    reference: 'the same to an empty Hono handler',
    aim: 0.5,
    floor: 0.35,
  },
  summaries: {
    what: 'Redis → summaries, one processor',
    reference: '`redis-benchmark` XADD, 300 bytes, pipeline 64',
    aim: 0.2,
    floor: 0.12,
  },
  trackingLog: {
    what: 'Redis → tracking_log, one sinks process',
    reference: 'ClickHouse, the same rows straight',
    aim: 0.8,
    floor: 0.6,
  },
  wholeWay: {
    what: 'whole way, file → both tables',
    reference: '`redis-benchmark` XADD, 300 bytes, pipeline 64',
    // 60,000 logs a second where redis-benchmark reaches 500,000.
    aim: 0.12,
    floor: 0.05,
  },
  wholeWayCpu: {
    what: 'whole way, file → both tables',
    reference: "all cores ÷ the sum of the stages' CPU per log",
    floor: 0.5,
  },
} satisfies Record<string, Target>;

export type TargetName = keyof typeof TARGETS;
export type Comparisons = Partial<Record<TargetName, Compared[]>>;

/** Aims and ceilings (as a floor, but for what should be little) of the 99th percentile, in ms. */
export const LATENCY_TARGETS = {
  answer: { what: 'its answer', ceiling: 500 },
  summary: { what: 'the summary in Redis', aim: 100, ceiling: 1_000 },
  logRow: { what: 'a row of tracking_log that SELECT finds', aim: 1_500, ceiling: 4_000 },
  summaryRow: { what: 'a row of transaction_summary that SELECT finds', aim: 1_500, ceiling: 5_000 },
} satisfies Record<string, { what: string; aim?: number; ceiling: number }>;
export type LatencyEnd = keyof typeof LATENCY_TARGETS;

/** Aims and ceilings of memory (RSS), in MiB. */
export const MEMORY_TARGETS = {
  collector: { aim: 120, ceiling: 450 },
  processor: { aim: 200, ceiling: 600 },
  sinks: { aim: 250, ceiling: 400 },
  'idle collector': { aim: 80, ceiling: 110 },
};

export function latencyAbove(latencies: Latencies): { tooSlow?: string } {
  const slow = Object.entries(latencies.figures()).flatMap(([end, { p99 }]) => {
    const { what, ceiling } = LATENCY_TARGETS[end as LatencyEnd];
    return p99 <= ceiling
      ? []
      : [`from POST to ${what}: p99 is ${whole(p99)} ms, more than ${whole(ceiling)}`];
  });
  return slow.length === 0 ? {} : { tooSlow: slow.join('\n') };
}

/** The table of ratios; each is the median of the runs' own. */
export function ratioTable(comparisons: Comparisons): string {
  const rows = each(comparisons).map(({ target, runs }) => {
    const ratio = ratioOf(runs);
    const aim = target.aim === undefined ? [] : [`≥ ${target.aim}`, ratio >= target.aim ? 'yes' : 'no'];
    return [
      target.what,
      whole(median(runs.map(({ value }) => value))),
      target.reference,
      whole(median(runs.map(({ reference }) => reference))),
      ratio.toFixed(3),
      ...aim,
    ];
  });
  const titles = ['stage', 'logs/s', 'reference in the same run', 'its logs/s', 'ratio', 'aim', 'reached'];
  return markdownTable(titles, rows);
}

/** What is below its floor, in words. */
export function belowFloors(comparisons: Comparisons): string[] {
  return each(comparisons).flatMap(({ target, runs }) => {
    const ratio = ratioOf(runs);
    return ratio >= target.floor
      ? []
      : [`${target.what}: ${ratio.toFixed(3)} of ${target.reference}, less than ${target.floor}`];
  });
}

function each(comparisons: Comparisons): { target: Target; runs: Compared[] }[] {
  return Object.entries(comparisons).map(([name, runs]) => ({ target: TARGETS[name as TargetName], runs }));
}

function ratioOf(runs: readonly Compared[]): number {
  return median(runs.map(({ value, reference }) => value / reference));
}

/** What others take for a line of 340 bytes of JSON on other machines: no reference of a run, but what is to be set beside one. */
export const LINE_CPU_ELSEWHERE = [
  { what: 'rsyslog, imfile → Redis list', linesPerSecond: 170_000, cpuMicros: 7.6 },
  { what: 'Fluent Bit, tail and its JSON parser → HTTP', linesPerSecond: 370_000, cpuMicros: 4.2 },
];
