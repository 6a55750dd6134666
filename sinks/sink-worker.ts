import type { Clock } from '../common/clock.ts';
import type { DeadLetter } from '../common/dead-letter.ts';
import { describeError, RetriableError } from '../common/errors.ts';
import type { Logger } from '../common/logger.ts';
import type { Claim } from '../common/redis/claims.ts';
import { connectBlocking } from '../common/redis/connection.ts';
import type { RedisClient, RedisConfig } from '../common/redis/connection.ts';
import { positionOf } from '../common/redis/groups.ts';
import type { Keys, StreamKind } from '../common/redis/keys.ts';
import { createStreamReader } from '../common/redis/stream-reader.ts';
import type { StreamReader } from '../common/redis/stream-reader.ts';
import type { StreamEntry } from '../common/stream-entry.ts';
import { timestampFromMillis } from '../common/timestamp.ts';
import type { BatchConfig } from './config.ts';
import { createLedger } from './manifest.ts';
import type { Ledger, Manifest } from './manifest.ts';
import type { SinkMetrics } from './metrics.ts';
import type { RefusedRow, Sink, SinkBatch } from './sink.ts';
import type { Slots } from './slots.ts';

/** How long a read waits for entries while nothing is buffered. */
const BLOCK_MS = 500;
const RETRY_DELAY_MS_MIN = 200;
const RETRY_DELAY_MS_MAX = 10_000;

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
  /** Called with every turn of a loop: the sign that work is getting done. */
  onProgress(partition: number, kind: StreamKind): void;
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
    const reader = createStreamReader(blocking, stream, kind, deps.batch.bytes_max);
    const start = await positionOf(redis, stream, group);
    let position: Position = { lastId: start.last_delivered_id, entriesRead: start.entries_read };
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
      position = await store(deps, claim, kind, ledger, begun, entries, position);
    }
    while (!signal.aborted) {
      const entries = await fill(deps, reader, position.lastId, signal);
      deps.onProgress(partition, kind);
      if (entries.length === 0) continue;
      const manifest = manifestOf(stream, entries);
      position = await store(deps, claim, kind, ledger, manifest, entries, position);
    }
  } catch (error) {
    // The claim's end closes the connection under a waiting read; that is no failure.
    if (!(signal.aborted && error instanceof RetriableError)) throw error;
  } finally {
    blocking.disconnect();
  }
}

interface Position {
  lastId: string;
  entriesRead: number | null;
}

/** The next entries, until there are enough of them or the oldest has waited long enough. Empty if none came. */
async function fill(
  { batch, clock }: SinkWorkerDeps,
  reader: StreamReader,
  afterId: string,
  signal: AbortSignal,
): Promise<StreamEntry[]> {
  const entries: StreamEntry[] = await reader.read(afterId, BLOCK_MS);
  if (entries.length === 0) return entries;
  const deadline = clock.now() + batch.delay_max;
  let { rows, bytes } = sizeOf(entries);
  while (rows < batch.rows_max && bytes < batch.bytes_max && !signal.aborted) {
    const left = deadline - clock.now();
    if (left <= 0) break;
    const more = await reader.read(entries.at(-1)?.id ?? afterId, left);
    const size = sizeOf(more);
    rows += size.rows;
    bytes += size.bytes;
    entries.push(...more);
  }
  return entries;
}

function sizeOf(entries: readonly StreamEntry[]): { rows: number; bytes: number } {
  let rows = 0;
  let bytes = 0;
  for (const entry of entries) {
    rows += entry.rows;
    bytes += entry.body.length;
  }
  return { rows, bytes };
}

function manifestOf(stream: string, entries: readonly StreamEntry[]): Manifest {
  const [first, last] = [entries[0]?.id ?? '', entries.at(-1)?.id ?? ''];
  // Ids never repeat within a stream, and the stream's key holds the deployment's prefix.
  return { token: `${stream}/${first}..${last}`, first_id: first, last_id: last, entries: entries.length };
}

/** Writes a batch and commits it. Returns where the group stands then; unchanged if the claim ended before the store took it. */
async function store(
  deps: SinkWorkerDeps,
  claim: Claim,
  kind: StreamKind,
  ledger: Ledger,
  manifest: Manifest,
  entries: readonly StreamEntry[],
  position: Position,
): Promise<Position> {
  await ledger.begin(manifest);
  const batch: SinkBatch = {
    stream: kind,
    token: manifest.token,
    chunks: entries.map((entry) => entry.body),
    ...sizeOf(entries),
  };
  const refused = await deps.slots.run(() => writeUntilTaken(deps, batch, claim.signal), claim.signal);
  if (refused === undefined) return position;
  const after: Position = {
    lastId: manifest.last_id,
    entriesRead: position.entriesRead === null ? null : position.entriesRead + manifest.entries,
  };
  await ledger.commit(after.lastId, after.entriesRead, toDeadLetters(deps, batch, refused));
  deps.metrics.rows.inc({ sink: deps.name, stream: kind }, batch.rows - refused.length);
  deps.metrics.refused.inc({ sink: deps.name, stream: kind }, refused.length);
  return after;
}

/** Repeats the write with growing pauses until the store has it. Undefined if the claim ended before. */
async function writeUntilTaken(
  { sink, name, clock, logger, metrics, force }: SinkWorkerDeps,
  batch: SinkBatch,
  signal: AbortSignal,
): Promise<readonly RefusedRow[] | undefined> {
  for (let attempt = 0; !signal.aborted; attempt += 1) {
    try {
      const started = clock.now();
      const { refused } = await sink.write(batch, force);
      metrics.writeSeconds.observe({ sink: name, stream: batch.stream }, (clock.now() - started) / 1000);
      return refused;
    } catch (error) {
      if (!(error instanceof RetriableError)) throw error;
      metrics.retries.inc({ sink: name, stream: batch.stream });
      const ceiling = Math.min(RETRY_DELAY_MS_MIN * 2 ** Math.min(attempt, 20), RETRY_DELAY_MS_MAX);
      logger.warn(
        { sink: name, batch: batch.token, attempt, error: describeError(error) },
        'store did not take a batch',
      );
      await clock.sleep(ceiling / 2 + Math.random() * (ceiling / 2), signal);
    }
  }
  return undefined;
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
