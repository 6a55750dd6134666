import type { Clock } from '../common/clock.ts';
import { describeError, RetriableError } from '../common/errors.ts';
import type { Logger } from '../common/logger.ts';
import type { RedisClient } from '../common/redis/connection.ts';
import { groupsThatRead } from '../common/redis/groups.ts';
import type { SinkStreams } from '../common/redis/groups.ts';
import { STREAM_KINDS } from '../common/redis/keys.ts';
import type { Keys, StreamKind } from '../common/redis/keys.ts';
import { trimStream } from '../common/redis/trim.ts';
import type { TrimmedStream } from '../common/redis/trim.ts';
import type { HistoryKeeper } from './summary-history.ts';
import type { ProcessorMetrics } from './metrics.ts';

export interface TrimDeps {
  redis: RedisClient;
  keys: Keys;
  /** The partitions that this process holds now: whoever holds a partition is the one who trims it. */
  held: () => readonly number[];
  /** Whose groups must be there before anything is dropped. */
  sinks: readonly SinkStreams[];
  /** What of the summary streams stays for readers without a group. */
  history: HistoryKeeper;
  intervalMs: number;
  clock: Clock;
  logger: Logger;
  metrics: ProcessorMetrics;
}

/**
 * Drops what every group has of the partitions held here, every so often, until the signal aborts; and shows how far behind each group is, since
 * one that stays away holds entries back. Throws what is neither a matter of waiting nor of one stream alone.
 */
export async function trimHeld(deps: TrimDeps, signal: AbortSignal): Promise<void> {
  const { held, clock } = deps;
  const trim = createTrim(deps);
  while (!signal.aborted) {
    await clock.sleep(deps.intervalMs, signal);
    await deps.history.look();
    const trimmed = await Promise.all(held().map(trim));
    show(deps.metrics, trimmed.flat(), clock.now());
  }
}

/** Trims what can be trimmed of a partition; what cannot is told once, as long as it lasts. */
function createTrim({ redis, keys, sinks, history, logger }: TrimDeps) {
  const told = new Map<string, string>();

  function tell(stream: string, reason: string): void {
    if (told.get(stream) === reason) return;
    told.set(stream, reason);
    logger.warn({ stream, reason }, 'a stream is not trimmed for now');
  }

  async function trim(partition: number, kind: StreamKind): Promise<TrimmedStream[]> {
    const stream = keys.stream(partition, kind);
    try {
      const groups = groupsThatRead(kind, sinks);
      const kept = kind === 'summary' ? history.kept() : undefined;
      const trimmed = await trimStream(redis, keys, partition, kind, groups, kept);
      if (trimmed.missing.length === 0) told.delete(stream);
      else tell(stream, `its group ${trimmed.missing.join(', ')} is missing`);
      return [trimmed];
    } catch (error) {
      if (!(error instanceof RetriableError)) throw error;
      tell(stream, describeError(error));
      return [];
    }
  }

  return async (partition: number): Promise<TrimmedStream[]> => {
    const trimmed: TrimmedStream[] = [];
    for (const kind of STREAM_KINDS) trimmed.push(...(await trim(partition, kind)));
    return trimmed;
  };
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
