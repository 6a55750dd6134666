import { SAMPLES_MAX } from './count.ts';
import type { Count, Detail, Labels } from './count.ts';

/**
 * What is known of the groups of a window beside their sums: since when, the newest, words and samples. All of it is of what is in the window, so that whoever
 * fills the window again from the same buckets knows the same.
 */
export interface GroupFacts {
  /** As of a sliding window; groups of which nothing is left are gone. */
  advance(bucket: number): void;
  add(key: string, labels: Labels, count: Count): void;
  of(key: string): { labels: Labels; since?: number; last_at?: number; detail?: Detail } | undefined;
  keys(): Iterable<string>;
}

interface Entry {
  at: number;
  since: number;
  last_at: number;
  detail?: Detail;
}

/** Words and samples are of the newest buckets that have any; more would only be thrown away. */
const DETAILS_MAX = 3;

export function createGroupFacts(windowMs: number, bucketMs: number): GroupFacts {
  const spanMs = Math.ceil(windowMs / bucketMs) * bucketMs;
  const groups = new Map<string, { labels: Labels; entries: Entry[] }>();
  let now = -Infinity;
  return {
    advance: (bucket) => {
      now = bucket;
      for (const [key, { entries }] of groups) {
        while (entries[0] !== undefined && entries[0].at <= bucket - spanMs) entries.shift();
        if (entries.length === 0) groups.delete(key);
      }
    },
    add: (key, labels, { detail, last_at = now }) => {
      const group = groups.get(key) ?? { labels, entries: [] };
      groups.set(key, group);
      const since = detail?.first_at ?? now;
      const last = group.entries.at(-1);
      if (last?.at === now) {
        last.since = Math.min(last.since, since);
        last.last_at = Math.max(last.last_at, last_at);
        if (detail !== undefined) last.detail = joined(last.detail, detail);
        return;
      }
      group.entries.push({ at: now, since, last_at, ...(detail === undefined ? {} : { detail }) });
      delete group.entries.at(-1 - DETAILS_MAX)?.detail;
    },
    of: (key) => {
      const group = groups.get(key);
      if (group === undefined) return undefined;
      const { labels, entries } = group;
      let detail: Detail | undefined;
      for (const entry of entries.slice(-DETAILS_MAX)) {
        if (entry.detail !== undefined) detail = joined(detail, entry.detail);
      }
      const [first, last] = [entries[0], entries.at(-1)];
      if (first === undefined || last === undefined) return { labels };
      return {
        labels,
        since: first.since,
        last_at: last.last_at,
        ...(detail === undefined ? {} : { detail }),
      };
    },
    keys: () => groups.keys(),
  };
}

function joined(a: Detail | undefined, b: Detail): Detail {
  if (a === undefined) return b;
  return {
    message: a.message || b.message,
    target: a.target || b.target,
    samples: [...new Set([...a.samples, ...b.samples])].slice(0, SAMPLES_MAX),
    first_at: Math.min(a.first_at, b.first_at),
  };
}
