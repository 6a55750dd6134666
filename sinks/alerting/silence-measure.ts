import * as v from 'valibot';
import type { IsOpen } from './calendar.ts';
import type { Bucket, Labels } from './count.ts';
import type { Measure, Reading } from './rule.ts';
import { createMatcher, exactOnes, groupOf } from './where.ts';
import type { Where } from './where.ts';

export interface SilenceConfig {
  where: Where;
  group_by: readonly string[];
  /** ms of business time. */
  window: number;
}

/** Interfaces come from logs; more than these are not watched. */
const WATCHED_MAX = 5000;

interface Watched {
  labels: Labels;
  /** Business time without a transaction, in ms. */
  silent: number;
  /** When the last one came, ms since 1970; undefined if none was seen. */
  last_at?: number | undefined;
}

const savedSchema = v.array(
  v.object({
    labels: v.record(v.string(), v.string()),
    silent: v.number(),
    last_at: v.exactOptional(v.number()),
  }),
);

/**
 * How long nothing has begun, in business time: outside the hours neither does silence grow, nor is it over. Interfaces that are named are watched from the
 * beginning, those that a pattern stands for once they have been seen.
 */
export function createSilenceMeasure(config: SilenceConfig, isOpen: IsOpen, bucketMs: number): Measure {
  const { where, group_by, window } = config;
  const matches = createMatcher(where);
  const watched = new Map<string, Watched>();
  const watch = (labels: Labels) => {
    const group = groupOf(group_by, labels);
    const known = watched.get(group.key);
    if (known !== undefined || watched.size >= WATCHED_MAX) return known;
    const begun: Watched = { labels: group.labels, silent: 0 };
    watched.set(group.key, begun);
    return begun;
  };
  const named = exactOnes(where['interface']);
  for (const name of named) watch({ interface: name });
  if (group_by.length === 0) watch({});

  return {
    push: (bucket) => {
      const heard = hear(bucket);
      const open = isOpen(bucket.at);
      return [...watched].map(([key, group]): Reading => {
        const added = heard.get(key) ?? 0;
        if (added > 0) group.silent = 0;
        else if (open) group.silent += bucketMs;
        const { labels, silent, last_at } = group;
        const since = last_at === undefined ? {} : { since: last_at };
        const level = added > 0 ? 'under' : open ? (silent >= window ? 'over' : 'under') : 'unknown';
        return { key, labels, level, value: silent, n: 0, added: 0, ...since };
      });
    },
    memory: {
      save: () => [...watched.values()],
      restore: (saved) => {
        const parsed = v.safeParse(savedSchema, saved);
        if (!parsed.success) return;
        for (const { labels, silent, last_at } of parsed.output) {
          // The rule may have been changed since: what it does not mean any more is forgotten.
          if (group_by.length > 0 && !matches(labels)) continue;
          const group = watch(labels);
          if (group !== undefined)
            Object.assign(group, { silent, ...(last_at === undefined ? {} : { last_at }) });
        }
      },
    },
  };

  function hear(bucket: Bucket): Map<string, number> {
    const heard = new Map<string, number>();
    for (const { kind, labels, n } of bucket.counts) {
      if (kind !== 'came' || !matches(labels)) continue;
      const group = watch(labels);
      if (group === undefined) continue;
      group.last_at = bucket.at + bucketMs;
      const { key } = groupOf(group_by, labels);
      heard.set(key, (heard.get(key) ?? 0) + n);
    }
    return heard;
  }
}
