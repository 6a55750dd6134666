/**
 * How long logs are gathered before they are merged. Longer means fewer turns of a partition's loop, each of which costs some calls to Redis
 * whatever it brings, and fewer revisions of a transaction whose logs come one after the other; shorter means that summaries are there
 * sooner. So it is in proportion to what there is to do, by all partitions of the process together.
 */
export interface Gathering {
  /** A partition is worked on from here on, until what is returned is called. */
  begin(): () => void;
  /** @param workMs how long merging and committing took the last time. */
  delayMs(workMs: number): number;
}

/** Gathering takes so many times as long as the work, so that what a turn costs is the same share of the time at any load. */
const DELAY_PER_WORK = 8;
/** The turns of all partitions together are no more than one in so many ms; measured, a turn with few logs costs about 0.5 ms. */
const TURN_MS_MIN = 3;
const DELAY_MS_MIN = 20;

/** @param delayMsMax `processor.merge_delay` */
export function createGathering(delayMsMax: number): Gathering {
  let partitions = 0;
  return {
    begin: () => {
      partitions += 1;
      return () => {
        partitions -= 1;
      };
    },
    delayMs: (workMs) =>
      Math.min(Math.max(DELAY_PER_WORK * workMs, TURN_MS_MIN * partitions, DELAY_MS_MIN), delayMsMax),
  };
}
