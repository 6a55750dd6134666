import type { Bucket, CountKind, Labels } from './count.ts';
import { quantileOf } from './histogram.ts';
import { levelOf } from './rule.ts';
import type { Level, Measure, Reading } from './rule.ts';
import { createSlidingWindow } from './sliding-window.ts';
import { createMatcher, groupOf } from './where.ts';
import type { Where } from './where.ts';

export interface HistogramConfig {
  where: Where;
  group_by: readonly string[];
  window: number;
  quantile: number;
  /** ms */
  above: number;
  resolve_at?: number | undefined;
  at_least: number;
  grows_by?: number | undefined;
  baseline?: number | undefined;
}

/** A quantile of times in a window, by group, compared with a bound and, if wanted, with what it was before. */
export function createHistogramMeasure(kind: CountKind, config: HistogramConfig, bucketMs: number): Measure {
  const { where, group_by, window: windowMs, quantile, above, resolve_at, at_least, grows_by } = config;
  const matches = createMatcher(where);
  const window = createSlidingWindow(windowMs, bucketMs);
  const wide =
    grows_by === undefined ? undefined : createSlidingWindow(windowMs + (config.baseline ?? 0), bucketMs);
  const labelsOf = new Map<string, Labels>();

  return { push };

  function push(bucket: Bucket): Reading[] {
    window.advance(bucket.at);
    wide?.advance(bucket.at);
    const added = new Map<string, number>();
    for (const count of bucket.counts) {
      if (count.kind !== kind || !matches(count.labels)) continue;
      const { key, labels } = groupOf(group_by, count.labels);
      window.add(key, count.bin, count.n);
      wide?.add(key, count.bin, count.n);
      added.set(key, (added.get(key) ?? 0) + count.n);
      labelsOf.set(key, labels);
    }
    for (const key of labelsOf.keys()) if (!window.sums().has(key)) labelsOf.delete(key);
    return [...window.sums()].flatMap(([key, bins]) => {
      const value = quantileOf(bins, quantile);
      if (value === undefined) return [];
      const n = [...bins.values()].reduce((sum, count) => sum + count, 0);
      const level = n < at_least ? 'between' : levelAt(key, value, bins);
      return { key, labels: labelsOf.get(key) ?? {}, level, value, n, added: added.get(key) ?? 0 };
    });
  }

  function levelAt(key: string, value: number, bins: ReadonlyMap<number, number>): Level {
    const level = levelOf(value, above, resolve_at);
    if (level !== 'over' || wide === undefined || grows_by === undefined) return level;
    const before = new Map(
      [...(wide.sums().get(key) ?? [])].map(([bin, n]) => [bin, n - (bins.get(bin) ?? 0)]),
    );
    const usual = quantileOf(before, quantile);
    return usual !== undefined && value <= grows_by * usual ? 'under' : level;
  }
}
