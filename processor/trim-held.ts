import type { Clock } from '../common/clock.ts';
import { describeError, RetriableError } from '../common/errors.ts';
import type { Logger } from '../common/logger.ts';
import type { RedisClient } from '../common/redis/connection.ts';
import type { Keys } from '../common/redis/keys.ts';
import { trimPartition } from '../common/redis/trim.ts';
import type { TrimmedStream } from '../common/redis/trim.ts';
import type { ProcessorMetrics } from './metrics.ts';

export interface TrimDeps {
  redis: RedisClient;
  keys: Keys;
  /** The partitions that this process holds now: whoever holds a partition is the one who trims it. */
  held: () => readonly number[];
  intervalMs: number;
  clock: Clock;
  logger: Logger;
  metrics: ProcessorMetrics;
}

/**
 * Drops what every group has of the partitions held here, every so often, until the signal aborts; and shows how far behind each group is, since
 * one that stays away holds entries back. Throws what is no matter of waiting.
 */
export async function trimHeld(deps: TrimDeps, signal: AbortSignal): Promise<void> {
  const { redis, keys, held, clock, logger, metrics } = deps;
  while (!signal.aborted) {
    await clock.sleep(deps.intervalMs, signal);
    try {
      const trimmed = await Promise.all(held().map((partition) => trimPartition(redis, keys, partition)));
      show(metrics, trimmed.flat(), clock.now());
    } catch (error) {
      if (!(error instanceof RetriableError)) throw error;
      logger.warn({ error: describeError(error) }, 'streams were not trimmed this time');
    }
  }
}

/** Anew each time: partitions come and go, and one that is held elsewhere is shown there. */
function show(metrics: ProcessorMetrics, streams: readonly TrimmedStream[], now: number): void {
  metrics.held.set(new Set(streams.map((stream) => stream.partition)).size);
  metrics.streamEntries.reset();
  metrics.groupLag.reset();
  metrics.groupBehind.reset();
  for (const { partition, kind, entries, groups } of streams) {
    const labels = { partition: String(partition), stream: kind };
    metrics.streamEntries.set(labels, entries);
    for (const { name, lag, waiting_since } of groups) {
      const ofGroup = { ...labels, group: name };
      if (lag !== null) metrics.groupLag.set(ofGroup, lag);
      const behindMs = waiting_since === null ? 0 : Math.max(0, now - waiting_since);
      metrics.groupBehind.set(ofGroup, behindMs / 1000);
    }
  }
}
