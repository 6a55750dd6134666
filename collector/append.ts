import type { Outcome } from './outcome.ts';

/**
 * Hands outcomes to Redis: logs and dead letters go to their partitions' streams. An append has resolved once Redis
 * has every one of them; whoever called may then acknowledge to its own source. Appends of several callers that wait
 * at the same time travel together.
 *
 * Throws BackPressureError when a stream or Redis' memory is past its mark, RetriableError when Redis cannot be
 * reached: in both cases the same call may be repeated (event ids make a repetition harmless). Bounded by
 * `redis.command_timeout`; never hangs.
 */
export interface Appender {
  append(outcomes: readonly Outcome[]): Promise<void>;
  /**
   * Opens a source that is read in order by position (a file by byte offset), whose appends take effect exactly once
   * whatever dies. Reads from Redis how far each partition got.
   */
  openSource(input: string, source: string): Promise<SourceAppender>;
}

/** An outcome and where its record ends in its source: reading on from `end` gives the next record. */
export interface PositionedOutcome {
  outcome: Outcome;
  end: number;
}

export interface SourceAppender {
  /** Everything that ends at or before this offset is in Redis, in every partition: read on from here. */
  readonly lowWater: number;
  /**
   * Appends the outcomes of the records between the last append (or `lowWater`) and `end`, in order, skipping what the source
   * already appended (an earlier process got further in some partitions). Must not be called again before it settled.
   * On success `lowWater` is `end`. On failure it may be repeated with the same or more outcomes.
   */
  append(outcomes: readonly PositionedOutcome[], end: number): Promise<void>;
}
