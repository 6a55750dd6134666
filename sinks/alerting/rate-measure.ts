import type { Bucket, CountKind, Labels } from './count.ts';
import { createGroupFacts } from './group-facts.ts';
import { levelOf } from './rule.ts';
import type { Measure, Reading } from './rule.ts';
import { createSlidingWindow } from './sliding-window.ts';
import { createMatcher, groupOf } from './where.ts';
import type { Where } from './where.ts';

export interface RateConfig {
  where: Where;
  group_by: readonly string[];
  window: number;
  /** Shares, 0 to 1. */
  above: number;
  resolve_at?: number | undefined;
  at_least: number;
  counts: readonly ('failed' | 'timed_out')[];
}

const BAD = 0;
const ALL = 1;

/** The share of transactions that ended badly, of all that ended. One whose failure was cleared counts by what became of it then. */
export function createRateMeasure(config: RateConfig, bucketMs: number): Measure {
  const { where, group_by, window: windowMs, above, resolve_at, at_least } = config;
  const matches = createMatcher(where);
  const bad = new Set<CountKind>(config.counts);
  const window = createSlidingWindow(windowMs, bucketMs);
  const facts = createGroupFacts(windowMs, bucketMs);
  const labelsOf = new Map<string, Labels>();
  return {
    push: (bucket) => {
      window.advance(bucket.at);
      facts.advance(bucket.at);
      const added = addEnded(bucket);
      for (const { kind, labels, bucket: at, n } of bucket.cleared) {
        if (!bad.has(kind) || !matches(labels)) continue;
        const { key } = groupOf(group_by, labels);
        const taken = window.takeOff(at, key, BAD, n);
        window.takeOff(at, key, ALL, taken);
      }
      for (const key of labelsOf.keys()) if (!window.sums().has(key)) labelsOf.delete(key);
      return [...window.sums()].map(([key, slots]): Reading => {
        const [n, all] = [slots.get(BAD) ?? 0, slots.get(ALL) ?? 0];
        const value = all === 0 ? 0 : n / all;
        const level = all < at_least && value > 0 ? 'between' : levelOf(value, above, resolve_at);
        const labels = labelsOf.get(key) ?? {};
        return { key, ...facts.of(key), labels, level, value, n, added: added.get(key) ?? 0 };
      });
    },
  };

  /** How many ended badly in this bucket, by group. */
  function addEnded(bucket: Bucket): Map<string, number> {
    const added = new Map<string, number>();
    for (const count of bucket.counts) {
      const { kind, n } = count;
      if (!(kind === 'completed' || bad.has(kind)) || !matches(count.labels)) continue;
      const { key, labels } = groupOf(group_by, count.labels);
      labelsOf.set(key, labels);
      window.add(key, ALL, n);
      if (kind === 'completed') continue;
      window.add(key, BAD, n);
      facts.add(key, labels, count);
      added.set(key, (added.get(key) ?? 0) + n);
    }
    return added;
  }
}
