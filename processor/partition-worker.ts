import type { Clock } from '../common/clock.ts';
import type { DeadLetter } from '../common/dead-letter.ts';
import { RetriableError } from '../common/errors.ts';
import type { Claim } from '../common/redis/claims.ts';
import { connectBlocking, untilReady } from '../common/redis/connection.ts';
import type { RedisClient, RedisConfig } from '../common/redis/connection.ts';
import { placeGroup, positionOf, PROCESSOR_GROUP } from '../common/redis/groups.ts';
import type { ClaimedGroup } from '../common/redis/groups.ts';
import type { Keys } from '../common/redis/keys.ts';
import { createLossWatch, GROUP_WAS_MISSING } from '../common/redis/loss.ts';
import type { Look, Loss, LossWatch, Position } from '../common/redis/loss.ts';
import { createStreamReader, disconnectOn } from '../common/redis/stream-reader.ts';
import type { StreamReader } from '../common/redis/stream-reader.ts';
import type { Logger } from '../common/logger.ts';
import type { OneByOne } from '../common/one-by-one.ts';
import type { StreamEntry } from '../common/stream-entry.ts';
import { undecodableLetter } from '../common/undecodable.ts';
import type { ProcessorConfig } from './config.ts';
import { applyBatch } from './apply-batch.ts';
import { collectedAt, groupByTransaction } from './merge-batch.ts';
import type { Gathering } from './gathering.ts';
import type { ProcessorMetrics } from './metrics.ts';
import { createSummaryStore } from './summary-store.ts';
import type { Commit, SummaryStore } from './summary-store.ts';
import { applyDeadline, deadlineOf } from './transaction-record.ts';
import type { Change, FindFlow, TransactionRecord } from './transaction-record.ts';

/** How long the connection for reads may take. */
const READY_MS_MAX = 5_000;
/** How long a read waits for logs: a deadline may be noticed up to twice as late. */
const BLOCK_MS = 500;
/** Transactions whose deadline passed that one commit takes at most. */
const DUE_MAX = 1000;
/** Pause while the sinks are too far behind. */
const FULL_DELAY_MS = 200;

export interface PartitionWorkerDeps {
  redis: RedisClient;
  redisConfig: RedisConfig;
  keys: Keys;
  config: ProcessorConfig;
  findFlow: FindFlow;
  /** Shared by all partitions of the process. */
  gathering: Gathering;
  /**
   * Shared by them, too: one batch at a time is taken apart and put together. Objects of a batch are many and short-lived; were several begun before the first
   * is done, while Redis is asked for what it knows, all of them would outlive collections of young objects (docs/performance.md).
   */
  oneByOne: OneByOne;
  clock: Clock;
  logger: Logger;
  metrics: ProcessorMetrics;
  /** Called after every turn of a partition's loop, and while it waits for the sinks: the sign that work is getting done. */
  onProgress(partition: number): void;
}

/** A claimed partition while it is worked on. */
interface Worked {
  deps: PartitionWorkerDeps;
  claim: Claim;
  stream: string;
  group: ClaimedGroup;
  store: SummaryStore;
  watch: LossWatch;
}

/**
 * Works on a claimed partition until the claim ends: read → merge → commit, and deadlines in between. The next batch is being
 * read while one is merged and committed. All state is either in Redis or can be read from there again, so whatever goes wrong, starting over
 * is right.
 */
export async function workOnPartition(deps: PartitionWorkerDeps, claim: Claim): Promise<void> {
  const { redis, keys, config, clock, metrics } = deps;
  const { partition, token, signal } = claim;
  const stream = keys.stream(partition, 'log');
  const tell = (loss: Loss) => tellLoss(deps, stream, loss);
  const group = { stream, group: PROCESSOR_GROUP, claimKey: keys.claim(partition, PROCESSOR_GROUP), token };
  const work: Worked = {
    deps,
    claim,
    stream,
    group,
    store: createSummaryStore({ redis, keys, config, partition, token }, config.cached_transactions_max),
    watch: createLossWatch({ redis, group, clock, tell }),
  };
  const blocking = connectBlocking(redis, deps.redisConfig, deps.logger, stream);
  const end = disconnectOn(signal, blocking);
  const endGathering = deps.gathering.begin();
  try {
    await untilReady(blocking, READY_MS_MAX);
    const reader = createStreamReader(blocking, stream, 'log', config.read_bytes_max);
    const start = await positionOf(redis, stream, PROCESSOR_GROUP);
    if (start.made) tell(GROUP_WAS_MISSING);
    let position = await settle(work, await work.watch.look(start.position));
    for await (const { entries, asOf } of readAhead(deps, reader, position.lastId, signal)) {
      if (entries.length > 0) {
        position = await takeEntries(work, entries, position);
        metrics.entries.inc(entries.length);
      }
      const looked = await settle(work, await work.watch.lookWhenDue(position));
      if (looked.lastId !== position.lastId) {
        throw new RetriableError('the stream began anew, so reading starts over');
      }
      position = looked;
      const caughtUp = entries.length === 0;
      await passDeadlines(deps, work.store, caughtUp ? asOf : collectedAt(position.lastId, clock.now()));
      deps.onProgress(partition);
    }
  } finally {
    endGathering();
    end();
  }
}

interface ReadBatch {
  entries: StreamEntry[];
  /**
   * When the reading began, ms since 1970: what was collected before is in this batch or an earlier one. It says nothing of now, which may be
   * much later if this process was paused.
   */
  asOf: number;
}

/** The stream's entries in order, batch by batch, one batch ahead of the consumer; an empty batch when none came for a while. */
async function* readAhead(
  { clock, config, gathering }: PartitionWorkerDeps,
  reader: StreamReader,
  from: string,
  signal: AbortSignal,
): AsyncGenerator<ReadBatch> {
  let after = from;
  let reading = read();
  while (!signal.aborted) {
    const batch = await reading;
    if (signal.aborted) return;
    after = batch.entries.at(-1)?.id ?? after;
    reading = read();
    yield batch;
  }

  function read(): Promise<ReadBatch> {
    const asOf = clock.now();
    const batch = gather().then(
      (entries) => ({ entries, asOf }),
      (error: unknown) => {
        // The claim's end closes the connection under a waiting read.
        if (signal.aborted) return { entries: [], asOf };
        throw error;
      },
    );
    // If the consumer fails first, nobody awaits this one any more.
    batch.catch(() => undefined);
    return batch;
  }

  async function gather(): Promise<StreamEntry[]> {
    const first = await reader.read(after, BLOCK_MS);
    const last = first.at(-1);
    if (last === undefined || isPlenty(first, config.read_bytes_max)) return first;
    await clock.sleep(gathering.delayMs(), signal);
    if (signal.aborted) return first;
    return [...first, ...(await reader.read(last.id, 0))];
  }
}

function isPlenty(entries: readonly StreamEntry[], bytesMax: number): boolean {
  return entries.reduce((bytes, entry) => bytes + entry.body.length, 0) >= bytesMax / 4;
}

/** Counts and tells entries that vanished before they were read. */
function tellLoss({ metrics, logger }: PartitionWorkerDeps, stream: string, { entries, words }: Loss): void {
  metrics.lost.inc(entries);
  logger.error({ stream, lost: entries }, `${words}${entries > 0 ? '; logs are lost' : ''}`);
}

/** Puts the group where a look found that it should be. */
async function settle({ deps, group }: Worked, { position, misplaced }: Look): Promise<Position> {
  if (misplaced) await placeGroup(deps.redis, group, position);
  return position;
}

async function takeEntries(
  work: Worked,
  entries: readonly StreamEntry[],
  before: Position,
): Promise<Position> {
  const { deps, claim } = work;
  const { clock, metrics } = deps;
  const { commit, position, letters, logs, revisions } = await deps.oneByOne(() =>
    prepareEntries(work, entries, before),
  );
  while ((await commit()) === 'full') {
    if (claim.signal.aborted) throw new RetriableError('the claim ended while the sinks were too far behind');
    deps.onProgress(claim.partition);
    await clock.sleep(FULL_DELAY_MS, claim.signal);
  }
  metrics.logs.inc(logs);
  metrics.revisions.inc(revisions);
  tellUndecodable(deps, letters);
  return position;
}

interface Prepared {
  commit: Commit;
  position: Position;
  letters: DeadLetter[];
  logs: number;
  revisions: number;
}

/** Apart from what waits for Redis, lest the logs of every partition stay in memory meanwhile: the garbage collector would copy them again and again. */
async function prepareEntries(
  { deps, stream, store, watch }: Worked,
  entries: readonly StreamEntry[],
  before: Position,
): Promise<Prepared> {
  const { clock } = deps;
  const { byTransaction, undecodable } = groupByTransaction(entries, clock.now());
  const known = await store.load([...byTransaction.keys()]);
  const { changes, bookings, logs } = applyBatch(byTransaction, known, deps.findFlow);
  const letters = undecodable.map(({ entry, reason }) =>
    undecodableLetter(stream, entry, reason, 'processor', clock.now()),
  );
  const position = watch.advance(before, entries);
  const commit = store.prepare({ changes, position, letters, bookings });
  const revisions = changes.filter(({ summary }) => summary !== undefined).length;
  return { commit, position, letters, logs, revisions };
}

function tellUndecodable({ metrics, logger }: PartitionWorkerDeps, letters: readonly DeadLetter[]): void {
  if (letters.length === 0) return;
  metrics.undecodable.inc(letters.length);
  const { event_id: first, reason } = letters[0] ?? {};
  logger.warn(
    { entries: letters.length, first, reason },
    'stream entries are none of ours; they are dead letters',
  );
}

async function passDeadlines(deps: PartitionWorkerDeps, store: SummaryStore, now: number): Promise<void> {
  for (;;) {
    const ids = await store.due(now, DUE_MAX);
    if (ids.length === 0) return;
    const known = await store.load(ids);
    const changes: Change[] = [];
    for (const record of known.values()) {
      const change = applyDeadline(record, deps.findFlow, now);
      if (change !== undefined) changes.push(change);
    }
    const corrections = staleDeadlines(ids, changes, known, deps.findFlow);
    if ((await store.prepare({ changes, corrections })()) === 'full') return;
    deps.metrics.timedOut.inc(changes.length);
    if (ids.length < DUE_MAX) return;
  }
}

/** Deadlines that were due but have not passed: those of transactions that are gone or whose flow was changed since. */
function staleDeadlines(
  ids: readonly string[],
  changes: readonly Change[],
  known: ReadonlyMap<string, TransactionRecord>,
  findFlow: FindFlow,
): { id: string; at: number | undefined }[] {
  const passed = new Set(changes.map((change) => change.summary.transaction_id));
  return ids
    .filter((id) => !passed.has(id))
    .map((id) => {
      const record = known.get(id);
      return { id, at: record === undefined ? undefined : deadlineOf(record, findFlow) };
    });
}
