import type { Clock } from '../common/clock.ts';
import { RetriableError } from '../common/errors.ts';
import type { Logger } from '../common/logger.ts';
import { epochOf } from '../common/redis/claim-scripts.ts';
import type { Claim } from '../common/redis/claims.ts';
import { connectBlocking, untilReady } from '../common/redis/connection.ts';
import type { RedisClient, RedisConfig } from '../common/redis/connection.ts';
import { placeGroup, positionOf } from '../common/redis/groups.ts';
import type { ClaimedGroup } from '../common/redis/groups.ts';
import type { Keys, StreamKind } from '../common/redis/keys.ts';
import { createLossWatch, GROUP_WAS_MISSING } from '../common/redis/loss.ts';
import type { Look, Loss, LossWatch, Position } from '../common/redis/loss.ts';
import { createStreamReader, disconnectOn } from '../common/redis/stream-reader.ts';
import type { StreamReader } from '../common/redis/stream-reader.ts';
import type { StreamEntry } from '../common/stream-entry.ts';
import { cutDown, gather, leanOf, READ_BYTES, topUp } from './fill-batch.ts';
import type { Joining } from './joint/joining.ts';
import { createLedger, manifestOf } from './manifest.ts';
import type { Ledger } from './manifest.ts';
import type { SinkMetrics } from './metrics.ts';
import type { Pace } from './pace.ts';
import type { Lane, Sink } from './sink.ts';
import type { Slots } from './slots.ts';
import { commitBatch, storeBatch } from './store-batch.ts';

/** How long the connection for reads may take. */
const READY_MS_MAX = 5_000;

export interface SinkWorkerDeps {
  sink: Sink;
  /** The sink's configured name, and its consumer group. */
  name: string;
  group: string;
  redis: RedisClient;
  redisConfig: RedisConfig;
  keys: Keys;
  /** Shared by all partitions of the sink: how large batches are, and how many the store gets at a time. */
  pace: Pace;
  slots: Slots;
  /** Shared likewise: where partitions write together, if the store takes joint batches. */
  joining: Joining | undefined;
  clock: Clock;
  logger: Logger;
  metrics: SinkMetrics;
  /** Aborts when a write under way must be given up: the process is about to be ended. */
  force: AbortSignal;
  /**
   * Called with every turn of a loop and every attempt to write: the sign that work is getting done. A store that is away is no fault of
   * this process, which goes on trying: it shows by `onTrouble`, not by the lack of progress.
   */
  onProgress: () => void;
  /** Called after every turn of a loop that failed nowhere. */
  onTurn: () => void;
  /** Called when there is nothing to do but wait for others. */
  onIdle: () => void;
  /** Called with what keeps the store from taking this stream's batch, in words, and with undefined once it has it. */
  onTrouble: (words: string | undefined) => void;
}

/** One claimed partition's stream of one kind, while it is carried. */
export interface Carried {
  deps: SinkWorkerDeps;
  signal: AbortSignal;
  kind: StreamKind;
  lane: Lane;
  stream: string;
  group: ClaimedGroup;
  watch: LossWatch;
  /** Counts a loss and says it. */
  tell: (loss: Loss) => void;
  ledger: Ledger;
  reader: StreamReader;
  labels: { sink: string; stream: StreamKind };
}

/**
 * Carries one kind of stream of a claimed partition to the store until the claim ends:
 *
 *   finish what a former owner had begun → (fill a batch → write down its bounds → write it → commit)*
 *
 * Where the store takes joint batches, what several partitions have filled until the same moment is written together (joint/joining.ts).
 * At most one batch is in memory, so what a process holds is bounded by partitions × kinds × `batch.bytes_max`, and one read
 * more, however long the store is away. Throws a FencedError when the claim is lost and a RetriableError when Redis is away: starting over is right then.
 */
export async function carryStream(deps: SinkWorkerDeps, claim: Claim, kind: StreamKind): Promise<void> {
  const stream = deps.keys.stream(claim.partition, kind);
  const blocking = connectBlocking(deps.redis, deps.redisConfig, deps.logger, stream);
  const end = disconnectOn(claim.signal, blocking);
  const endPace = deps.pace.begin(kind);
  try {
    await untilReady(blocking, READY_MS_MAX);
    await carry(carriedOf(deps, claim, kind, blocking));
  } catch (error) {
    // The claim's end closes the connection under a waiting read; that is no failure.
    if (!(claim.signal.aborted && error instanceof RetriableError)) throw error;
  } finally {
    endPace();
    end();
  }
}

function carriedOf(
  deps: SinkWorkerDeps,
  { partition, token, signal }: Claim,
  kind: StreamKind,
  blocking: RedisClient,
): Carried {
  const { redis, keys, group, clock } = deps;
  const stream = keys.stream(partition, kind);
  const labels = { sink: deps.name, stream: kind };
  const tell = ({ entries, words }: Loss) => {
    deps.metrics.lost.inc(labels, entries);
    deps.logger.error({ stream, lost: entries }, `${words}${entries > 0 ? '; rows are lost' : ''}`);
  };
  const claimed = { stream, group, claimKey: keys.claim(partition, group), token };
  return {
    deps,
    signal,
    kind,
    lane: { stream: kind, partition, fence: epochOf(token) },
    stream,
    group: claimed,
    watch: createLossWatch({ redis, group: claimed, clock, tell }),
    tell,
    ledger: createLedger({ redis, keys, partition, kind, group, token }),
    reader: createStreamReader(blocking, stream, kind, READ_BYTES),
    labels,
  };
}

async function carry(carried: Carried): Promise<void> {
  const { deps, signal, stream, group, watch, reader } = carried;
  const start = await positionOf(deps.redis, stream, group.group);
  if (start.made) carried.tell(GROUP_WAS_MISSING);
  let position = await finishBegun(carried, start.position);
  if (!signal.aborted) deps.sink.settled?.(carried.lane);
  if (!signal.aborted) position = await settle(carried, await watch.look(position));
  const { clock, joining } = deps;
  const deadlineOf = (delayMs: number) =>
    joining?.departure(carried.kind, clock.now(), delayMs) ?? clock.now() + delayMs;
  while (!signal.aborted) {
    const [batch, afterId] = [deps.pace.batch(), position.lastId];
    const onLook = deps.onProgress;
    const entries = await gather({ reader, batch, clock, afterId, signal, deadlineOf, onLook });
    deps.onProgress();
    if (entries.length > 0) position = await storeNext(carried, position, entries);
    // A batch that was begun and is not stored yet is the next owner's, and the group stays where it is.
    if (signal.aborted) return;
    position = await settle(carried, await watch.lookWhenDue(position));
    deps.onTurn();
  }
}

/** Puts the group where a look found that it should be. */
async function settle({ deps, group }: Carried, { position, misplaced }: Look): Promise<Position> {
  if (misplaced) await placeGroup(deps.redis, group, position);
  return position;
}

/** Stores what has been gathered, and what more there is when its turn comes. */
async function storeNext(carried: Carried, position: Position, entries: StreamEntry[]): Promise<Position> {
  const offered = await carried.deps.joining?.offer(carried, position, entries);
  if (offered?.kind === 'ended') return position;
  if (offered?.kind === 'stored') {
    const after = await commitBatch(carried, position, offered.begun, []);
    offered.committed();
    return after;
  }
  return storeBatch(carried, position, async () => {
    const bounds = carried.deps.pace.batch();
    cutDown(bounds, entries);
    await topUp(carried.reader, bounds, entries);
    const manifest = manifestOf(carried.stream, position.lastId, entries);
    await carried.ledger.begin(manifest);
    return { manifest, entries, repeated: false };
  });
}

/** Repeats the very batch that a former owner had begun: it may or may not be stored, and the store knows by its token. */
async function finishBegun(carried: Carried, position: Position): Promise<Position> {
  const { deps, ledger, reader, stream } = carried;
  const begun = await ledger.pending();
  if (begun === undefined) return position;
  if (begun.after_id !== position.lastId) {
    // Finishing it would move the group past what somebody wants stored again, or back before what is to be left out.
    deps.logger.warn(
      { stream, batch: begun.token, group: position.lastId },
      'the group does not stand where the batch was begun: somebody moved it, so the batch is not finished',
    );
    return position;
  }
  deps.logger.info({ stream, batch: begun.token }, 'repeating the batch that was begun');
  const entries = (await reader.range(begun.first_id, begun.last_id)).map(leanOf);
  const lost = begun.entries - entries.length;
  if (lost > 0) {
    // Only the owner may write it down again: one that was paused may miss what another has stored since, and trimmed.
    await ledger.begin(begun);
    carried.tell({ entries: lost, words: 'entries of a batch that was begun are gone' });
  }
  if (begun.joint !== undefined && deps.joining !== undefined) {
    const repeated = await deps.joining.repeat(begun.joint, carried);
    if (repeated === 'ended') return position;
    if (repeated === 'stored')
      return commitBatch(carried, position, { manifest: begun, entries, repeated: true }, []);
  }
  return storeBatch(carried, position, () => Promise.resolve({ manifest: begun, entries, repeated: true }));
}
