import { markdownTable, percentile } from './report.ts';
import { LATENCY_TARGETS } from './targets.ts';
import type { LatencyEnd } from './targets.ts';

/** When logs came to each of the ends that are looked at, as ms since they were due. */
export interface Latencies {
  /** Notes that a log was there at a time; the first time counts. */
  note(end: LatencyEnd, place: number | undefined, at: number): void;
  figures(): Record<LatencyEnd, Percentiles>;
}

export interface Percentiles {
  p50: number;
  p95: number;
  p99: number;
  max: number;
}

const ENDS = Object.keys(LATENCY_TARGETS) as LatencyEnd[];

/** @param dueOf when a log was due, ms since 1970; undefined for one that is not looked at. */
export function createLatencies(logs: number, dueOf: (place: number) => number | undefined): Latencies {
  const first = new Map(ENDS.map((end) => [end, new Float64Array(logs).fill(NaN)]));
  return {
    note: (end, place, at) => {
      const times = first.get(end);
      if (times === undefined || place === undefined) return;
      if (!((times[place] ?? NaN) <= at)) times[place] = at;
    },
    figures: () =>
      Object.fromEntries(
        ENDS.map((end) => [end, percentilesOf(end, first.get(end) ?? new Float64Array(), dueOf)]),
      ) as Record<LatencyEnd, Percentiles>,
  };
}

/** Throws when a log has not come at all: the others' figures would be worth nothing. */
function percentilesOf(
  end: LatencyEnd,
  times: Float64Array,
  dueOf: (place: number) => number | undefined,
): Percentiles {
  const latencies: number[] = [];
  for (const [place, at] of times.entries()) {
    const due = dueOf(place);
    if (due === undefined) continue;
    if (Number.isNaN(at)) throw new Error(`log ${place} never came to: ${LATENCY_TARGETS[end].what}`);
    latencies.push(at - due);
  }
  const sorted = Float64Array.from(latencies).sort();
  return {
    p50: percentile(sorted, 0.5),
    p95: percentile(sorted, 0.95),
    p99: percentile(sorted, 0.99),
    max: sorted.at(-1) ?? NaN,
  };
}

export function latencyTable(latencies: Latencies): string {
  const rows = Object.entries(latencies.figures()).map(([end, { p50, p95, p99, max }]) => {
    const { what, aim }: { what: string; aim?: number } = LATENCY_TARGETS[end as LatencyEnd];
    const aimed = aim === undefined ? [] : [`p99 < ${aim}`, p99 < aim ? 'yes' : 'no'];
    return [what, ...[p50, p95, p99, max].map((ms) => ms.toFixed(1)), ...aimed];
  });
  return markdownTable(['from POST to', 'p50', 'p95', 'p99', 'max', 'aim', 'reached'], rows);
}
