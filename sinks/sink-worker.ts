import type { Clock } from '../common/clock.ts';
import type { DeadLetter } from '../common/dead-letter.ts';
import { describeError, RetriableError } from '../common/errors.ts';
import type { Logger } from '../common/logger.ts';
import type { Claim } from '../common/redis/claims.ts';
import { connectBlocking, untilReady } from '../common/redis/connection.ts';
import type { RedisClient, RedisConfig } from '../common/redis/connection.ts';
import { positionOf, streamInfo } from '../common/redis/groups.ts';
import type { Keys, StreamKind } from '../common/redis/keys.ts';
import { lostEntries } from '../common/redis/loss.ts';
import type { Position } from '../common/redis/loss.ts';
import { createStreamReader } from '../common/redis/stream-reader.ts';
import { retry } from '../common/retry.ts';
import type { RetryPolicy } from '../common/retry.ts';
import type { StreamEntry } from '../common/stream-entry.ts';
import { timestampFromMillis } from '../common/timestamp.ts';
import type { BatchConfig } from './config.ts';
import { gather, sizeOf, topUp } from './fill-batch.ts';
import { createLedger } from './manifest.ts';
import type { Ledger, Manifest } from './manifest.ts';
import type { SinkMetrics } from './metrics.ts';
import type { RefusedRow, Sink, SinkBatch } from './sink.ts';
import type { Slots } from './slots.ts';

/** How long the connection for reads may take. */
const READY_MS_MAX = 5_000;
/** How often a worker with nothing to do looks whether entries vanished unread. */
const LOSS_LOOK_MS = 5_000;
const WRITE_RETRY: RetryPolicy = { delayMsMin: 200, delayMsMax: 10_000 };

export interface SinkWorkerDeps {
  sink: Sink;
  /** The sink's configured name, and its consumer group. */
  name: string;
  group: string;
  redis: RedisClient;
  redisConfig: RedisConfig;
  keys: Keys;
  batch: BatchConfig;
  /** Shared by all partitions of the sink: how many writes the store gets at a time. */
  slots: Slots;
  clock: Clock;
  logger: Logger;
  metrics: SinkMetrics;
  /** Aborts when a write under way must be given up: the process is about to be ended. */
  force: AbortSignal;
  /** Called with every turn of a loop and every attempt to write: the sign that work is getting done. */
  onProgress: () => void;
  /** Called when there is nothing to do but wait for others. */
  onIdle: () => void;
  /** Called with what keeps the store from taking batches, in words, and with undefined once it takes one. */
  onTrouble: (words: string | undefined) => void;
}

/**
 * Carries one kind of stream of a claimed partition to the store until the claim ends: fill a batch → write down its bounds → write it
 * → commit. At most one batch is in memory, so what a process holds is bounded by partitions × kinds × `batch.bytes_max`
 * however long the store is away.
 */
export async function carryStream(deps: SinkWorkerDeps, claim: Claim, kind: StreamKind): Promise<void> {
  const { redis, keys, group } = deps;
  const { partition, token, signal } = claim;
  const stream = keys.stream(partition, kind);
  const ledger = createLedger({ redis, keys, partition, kind, group, token });
  const blocking = connectBlocking(deps.redisConfig, deps.logger);
  signal.addEventListener('abort', () => blocking.disconnect(), { once: true });
  try {
    await untilReady(blocking, READY_MS_MAX);
    const reader = createStreamReader(blocking, stream, kind, deps.batch.bytes_max);
    const start = await positionOf(redis, stream, group);
    let position = await noticeLoss(deps, kind, stream, {
      lastId: start.last_delivered_id,
      entriesRead: start.entries_read,
    });
    let lookAgainAt = deps.clock.now() + LOSS_LOOK_MS;
    const begun = await ledger.pending();
    if (begun !== undefined) {
      deps.logger.info(
        { group, partition, kind, batch: begun.token },
        'repeating the batch of the former owner',
      );
      const entries = await reader.range(begun.first_id, begun.last_id);
      if (entries.length !== begun.entries) {
        deps.metrics.lost.inc({ sink: deps.name, stream: kind }, begun.entries - entries.length);
        deps.logger.error(
          { group, partition, kind, batch: begun.token },
          'entries of a begun batch are gone from the stream',
        );
      }
      position = await store(deps, claim, kind, ledger, position, () =>
        Promise.resolve({ manifest: begun, entries }),
      );
    }
    while (!signal.aborted) {
      const entries = await gather(reader, deps.batch, deps.clock, position.lastId, signal);
      deps.onProgress();
      if (entries.length === 0) {
        if (deps.clock.now() < lookAgainAt) continue;
        position = await noticeLoss(deps, kind, stream, position);
        lookAgainAt = deps.clock.now() + LOSS_LOOK_MS;
        continue;
      }
      position = await store(deps, claim, kind, ledger, position, async () => {
        await topUp(reader, deps.batch, entries);
        return { manifest: manifestOf(stream, entries), entries };
      });
    }
  } catch (error) {
    // The claim's end closes the connection under a waiting read; that is no failure.
    if (!(signal.aborted && error instanceof RetriableError)) throw error;
  } finally {
    blocking.disconnect();
  }
}

/** Counts and tells entries that vanished before they were read; they are read from then on, as far as counting goes. */
async function noticeLoss(
  { redis, metrics, logger, name }: SinkWorkerDeps,
  kind: StreamKind,
  stream: string,
  position: Position,
): Promise<Position> {
  const info = await streamInfo(redis, stream);
  const lost = info === null ? null : lostEntries(info, position);
  if (lost === null || lost === 0) return position;
  metrics.lost.inc({ sink: name, stream: kind }, lost);
  logger.error(
    { stream, lost },
    'entries were deleted from the stream before they were stored: rows are lost',
  );
  return { ...position, entriesRead: (position.entriesRead ?? 0) + lost };
}

function manifestOf(stream: string, entries: readonly StreamEntry[]): Manifest {
  const [first, last] = [entries[0]?.id ?? '', entries.at(-1)?.id ?? ''];
  // Ids never repeat within a stream, and the stream's key holds the deployment's prefix.
  return { token: `${stream}/${first}..${last}`, first_id: first, last_id: last, entries: entries.length };
}

/**
 * Waits for its turn, then writes a batch and commits it. Returns where the group stands then; unchanged if the claim ended before the
 * store took it.
 *
 * @param decide what the batch is, once it is its turn: its bounds are written down then, and hold from there on.
 */
async function store(
  deps: SinkWorkerDeps,
  { signal }: Claim,
  kind: StreamKind,
  ledger: Ledger,
  position: Position,
  decide: () => Promise<{ manifest: Manifest; entries: readonly StreamEntry[] }>,
): Promise<Position> {
  // Others of the same store are at work meanwhile; waiting for them is no stall of ours.
  deps.onIdle();
  const after = await deps.slots.run(async () => {
    deps.onProgress();
    const { manifest, entries } = await decide();
    await ledger.begin(manifest);
    const chunks = entries.map((entry) => entry.body);
    const batch: SinkBatch = { stream: kind, token: manifest.token, chunks, ...sizeOf(entries) };
    const refused = await writeUntilTaken(deps, batch, signal);
    if (refused === undefined) return position;
    const entriesRead = position.entriesRead === null ? null : position.entriesRead + manifest.entries;
    await ledger.commit(manifest.last_id, entriesRead, toDeadLetters(deps, batch, refused));
    deps.metrics.rows.inc({ sink: deps.name, stream: kind }, batch.rows - refused.length);
    deps.metrics.refused.inc({ sink: deps.name, stream: kind }, refused.length);
    return { lastId: manifest.last_id, entriesRead };
  }, signal);
  return after ?? position;
}

/** Repeats the write with growing pauses until the store has it. Undefined if the claim ended before. */
async function writeUntilTaken(
  { sink, name, clock, logger, metrics, force, onProgress, onTrouble }: SinkWorkerDeps,
  batch: SinkBatch,
  signal: AbortSignal,
): Promise<readonly RefusedRow[] | undefined> {
  const labels = { sink: name, stream: batch.stream };
  const write = async () => {
    onProgress();
    const started = clock.now();
    const { refused } = await sink.write(batch, force);
    metrics.writeSeconds.observe(labels, (clock.now() - started) / 1000);
    onTrouble(undefined);
    return refused;
  };
  try {
    return await retry(write, {
      policy: WRITE_RETRY,
      clock,
      signal,
      onRetry: (error, attempt) => {
        metrics.retries.inc(labels);
        onTrouble(describeError(error));
        logger.warn(
          { batch: batch.token, attempt, error: describeError(error) },
          'store did not take a batch',
        );
      },
    });
  } catch (error) {
    if (signal.aborted && error instanceof RetriableError) return undefined;
    throw error;
  }
}

function toDeadLetters(deps: SinkWorkerDeps, batch: SinkBatch, refused: readonly RefusedRow[]): DeadLetter[] {
  if (refused.length === 0) return [];
  if (batch.stream === 'dead_letter') {
    // Dead letters have one shape; a store that refuses one refuses all of them, and somebody must look.
    throw new RetriableError(`${deps.name} refuses dead letters: ${refused[0]?.reason ?? ''}`);
  }
  const lines = batch.chunks.flatMap((chunk) => chunk.toString().trimEnd().split('\n'));
  return refused.map(({ index, reason }) => {
    const line = lines[index] ?? '';
    const row = JSON.parse(line) as Record<string, unknown>;
    return {
      event_id: `${batch.token}#${index}`,
      stage: `sink ${deps.name}`,
      input: typeof row['input'] === 'string' ? row['input'] : '',
      channel: typeof row['channel'] === 'string' ? row['channel'] : '',
      reason,
      ingest_time: timestampFromMillis(deps.clock.now()),
      raw_base64: Buffer.from(line).toString('base64'),
      meta: { stream: batch.stream },
    };
  });
}
