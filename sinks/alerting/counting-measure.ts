import type { Bucket, CountKind } from './count.ts';
import { createGroupFacts } from './group-facts.ts';
import { levelOf } from './rule.ts';
import type { Level, Measure, Reading } from './rule.ts';
import { createSlidingWindow } from './sliding-window.ts';
import { createMatcher, groupOf } from './where.ts';
import type { Where } from './where.ts';

export interface CountingConfig {
  where: Where;
  group_by: readonly string[];
  window: number;
  above: number;
  resolve_at?: number | undefined;
  /** Besides, there must be more than so many times what is usual by `baseline` before the window. */
  grows_by?: number | undefined;
  baseline?: number | undefined;
}

/** Counts of one kind in a window, by group: failures, time-outs, slow ones, dead letters. What was cleared since does not count. */
export function createCountingMeasure(kind: CountKind, config: CountingConfig, bucketMs: number): Measure {
  const { where, group_by, window: windowMs, above, resolve_at, grows_by, baseline = 0 } = config;
  const matches = createMatcher(where);
  const window = createSlidingWindow(windowMs, bucketMs);
  const facts = createGroupFacts(windowMs, bucketMs);
  const wide = grows_by === undefined ? undefined : createSlidingWindow(windowMs + baseline, bucketMs);

  return { push };

  function push(bucket: Bucket): Reading[] {
    for (const part of [window, wide, facts]) part?.advance(bucket.at);
    const added = new Map<string, number>();
    for (const count of bucket.counts) {
      if (count.kind !== kind || !matches(count.labels)) continue;
      const { key, labels } = groupOf(group_by, count.labels);
      window.add(key, 0, count.n);
      wide?.add(key, 0, count.n);
      facts.add(key, labels, count);
      added.set(key, (added.get(key) ?? 0) + count.n);
    }
    const cleared = takeOffCleared(bucket);
    return [...new Set([...facts.keys(), ...cleared.keys()])].map((key) => {
      const n = window.sums().get(key)?.get(0) ?? 0;
      return {
        key,
        labels: {},
        ...facts.of(key),
        level: levelAt(key, n),
        value: n,
        n,
        added: added.get(key) ?? 0,
        cleared: cleared.get(key) ?? 0,
      };
    });
  }

  /** How many of each group. */
  function takeOffCleared(bucket: Bucket): Map<string, number> {
    const found = new Map<string, number>();
    for (const cleared of bucket.cleared) {
      if (cleared.kind !== kind || !matches(cleared.labels)) continue;
      const { key } = groupOf(group_by, cleared.labels);
      window.takeOff(cleared.bucket, key, 0, cleared.n);
      wide?.takeOff(cleared.bucket, key, 0, cleared.n);
      found.set(key, (found.get(key) ?? 0) + cleared.n);
    }
    return found;
  }

  function levelAt(key: string, n: number): Level {
    const level = levelOf(n, above, resolve_at);
    if (level !== 'over' || wide === undefined || grows_by === undefined) return level;
    // What is usual in a window, by the stretch before it.
    const before = (wide.sums().get(key)?.get(0) ?? 0) - n;
    return n <= (grows_by * before * windowMs) / Math.max(baseline, 1) ? 'under' : level;
  }
}
