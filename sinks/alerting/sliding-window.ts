/**
 * Sums over the newest stretch of buckets, by group and slot (a bin of a histogram, or 0). They are kept up to date as buckets come and go, so that a window of
 * an hour costs no more than one of a minute.
 */
export interface SlidingWindow {
  /** The window ends with this bucket from now on; what has left it is taken off. Buckets come in order, none twice. */
  advance(bucket: number): void;
  add(group: string, slot: number, n: number): void;
  /** Takes off what was added in an earlier bucket, if that is in the window, and no more than was added. Tells how much. */
  takeOff(bucket: number, group: string, slot: number, n: number): number;
  /** Slot → sum, of groups that have something in the window. */
  sums(): ReadonlyMap<string, ReadonlyMap<number, number>>;
}

/** @param windowMs rounded up to whole buckets. */
export function createSlidingWindow(windowMs: number, bucketMs: number): SlidingWindow {
  const spanMs = Math.ceil(windowMs / bucketMs) * bucketMs;
  /** Start of the bucket → group → slot → what was added; in the order of time. */
  const buckets = new Map<number, Map<string, Map<number, number>>>();
  const sums = new Map<string, Map<number, number>>();
  let now = -Infinity;

  function change(group: string, slot: number, by: number): void {
    const slots = sums.get(group) ?? new Map<number, number>();
    const sum = (slots.get(slot) ?? 0) + by;
    if (sum === 0) slots.delete(slot);
    else slots.set(slot, sum);
    if (slots.size === 0) sums.delete(group);
    else sums.set(group, slots);
  }

  return {
    advance: (bucket) => {
      now = bucket;
      for (const [at, groups] of buckets) {
        if (at > bucket - spanMs) break;
        for (const [group, slots] of groups) for (const [slot, n] of slots) change(group, slot, -n);
        buckets.delete(at);
      }
    },
    add: (group, slot, n) => {
      const groups = buckets.get(now) ?? new Map<string, Map<number, number>>();
      const slots = groups.get(group) ?? new Map<number, number>();
      slots.set(slot, (slots.get(slot) ?? 0) + n);
      groups.set(group, slots);
      buckets.set(now, groups);
      change(group, slot, n);
    },
    takeOff: (bucket, group, slot, n) => {
      const slots = buckets.get(bucket)?.get(group);
      const there = slots?.get(slot) ?? 0;
      const taken = Math.min(there, n);
      if (slots === undefined || taken === 0) return 0;
      slots.set(slot, there - taken);
      change(group, slot, -taken);
      return taken;
    },
    sums: () => sums,
  };
}
