import { BackPressureError } from '../common/errors.ts';
import { readDeployment } from '../common/redis/partition-change.ts';
import { reply } from '../common/redis/redis-error.ts';
import { loadScript } from '../common/redis/scripts.ts';
import { readFormerPositions } from './former-positions.ts';
import type { FormerPositions } from './former-positions.ts';
import type { Outcome } from './outcome.ts';
import { createPartitionQueue } from './partition-queue.ts';
import { partitionOfOutcome, rowOf } from './rows.ts';
import type { Row } from './rows.ts';
import { sendRows } from './send-rows.ts';
import type { SendDeps, SendRows } from './send-rows.ts';
import { SourceFellBackError } from './source-fell-back.ts';

/**
 * Hands outcomes to Redis: logs and dead letters go to their partitions' streams. An append has resolved once Redis
 * has every one of them; whoever called may then acknowledge to its own source. Appends of several callers that wait
 * at the same time travel together.
 *
 * Throws BackPressureError when a stream or Redis' memory is past its mark, RetriableError when Redis cannot be
 * reached: in both cases the same call may be repeated (event ids make a repetition harmless). BackPressureError also while the
 * number of partitions is being changed, and a FatalError once it was. Bounded by `redis.command_timeout`; never hangs.
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
   * On success `lowWater` is `end`. On failure it may be repeated with the same or more outcomes, unless it was a SourceFellBackError:
   * then the source must be opened anew.
   */
  append(outcomes: readonly PositionedOutcome[], end: number): Promise<void>;
  /** Throws a SourceFellBackError if Redis has lost what was appended. Else the next append would find out, if there is one. */
  confirm(): Promise<void>;
}

export interface AppenderDeps extends SendDeps {
  /** Bytes that may wait for Redis in this process before senders must wait. */
  pendingBytesMax: number;
}

const lowWaterScript = loadScript(new URL('./low-water.lua', import.meta.url));

export function createAppender(deps: AppenderDeps): Appender {
  const send: SendRows = (partition, rows, position) => sendRows(deps, partition, rows, position);
  const pending = { bytes: 0, bytesMax: deps.pendingBytesMax };
  const queues = Array.from({ length: deps.partitions }, (_, partition) =>
    createPartitionQueue((rows) => send(partition, rows), pending),
  );
  return {
    append: async (outcomes) => {
      const byPartition = rowsByPartition(outcomes, deps.partitions);
      await settleAll([...byPartition].map(async ([partition, rows]) => queues[partition]?.append(rows)));
    },
    openSource: (input, source) => openSource(deps, send, input, source),
  };
}

function rowsByPartition(outcomes: readonly Outcome[], partitions: number): Map<number, Row[]> {
  const byPartition = new Map<number, Row[]>();
  for (const outcome of outcomes) {
    if (outcome.kind === 'skip') continue;
    const partition = partitionOfOutcome(outcome, partitions);
    const rows = byPartition.get(partition);
    if (rows === undefined) byPartition.set(partition, [rowOf(outcome)]);
    else rows.push(rowOf(outcome));
  }
  return byPartition;
}

/** What each partition's hash holds, as it stands there; '' where it holds nothing of the source. */
async function readPositions({ redis, keys, partitions }: AppenderDeps, source: string): Promise<string[]> {
  const every = Array.from({ length: partitions }, (_, partition) => keys.positions(partition));
  return Promise.all(every.map(async (key) => (await reply(redis.hget(key, source))) ?? ''));
}

async function openSource(
  deps: AppenderDeps,
  send: SendRows,
  input: string,
  source: string,
): Promise<SourceAppender> {
  const { redis, keys } = deps;
  // A partition that has none yet starts at the low-water mark.
  const opened = await readPositions(deps, source);
  // Before the mark: if another process forgot them in between, the mark that is read next is past them.
  const former = await readFormerPositions(redis, keys, source);
  const openedAt = Number((await reply(redis.hget(keys.lowWater(input), source))) ?? 0);
  await former.passed(openedAt);
  return new OpenSource(deps, send, { input, source, opened, openedAt, former });
}

/** Where a source stood when it was opened. */
interface Opened {
  input: string;
  source: string;
  /** What each partition had of it. */
  opened: readonly string[];
  openedAt: number;
  former: FormerPositions;
}

/** A class, of whose methods there is one each: there may be thousands of sources. */
class OpenSource implements SourceAppender {
  lowWater: number;
  readonly #deps: AppenderDeps;
  readonly #send: SendRows;
  readonly #opened: Opened;
  readonly #positions: string[];
  #fallenBack: SourceFellBackError | undefined;

  constructor(deps: AppenderDeps, send: SendRows, opened: Opened) {
    this.#deps = deps;
    this.#send = send;
    this.#opened = opened;
    this.#positions = [...opened.opened];
    this.lowWater = opened.openedAt;
  }

  async append(outcomes: readonly PositionedOutcome[], end: number): Promise<void> {
    if (this.#fallenBack !== undefined) throw this.#fallenBack;
    const { redis, keys, partitions } = this.#deps;
    const { input, source, former } = this.#opened;
    const byPartition = itemsByPartition(outcomes, partitions);
    try {
      await settleAll([...byPartition].map(([partition, items]) => this.#appendTo(partition, items, end)));
    } catch (error) {
      // Other partitions may have lost more.
      if (error instanceof SourceFellBackError) await this.confirm();
      throw error;
    }
    this.lowWater = Math.max(this.lowWater, end);
    await lowWaterScript.run(redis, [keys.lowWater(input)], [source, this.lowWater]);
    await former.passed(this.lowWater);
  }

  async confirm(): Promise<void> {
    const { redis, keys } = this.#deps;
    const { input, source, opened, openedAt } = this.#opened;
    const seen = [...this.#positions];
    const lost = (await readPositions(this.#deps, source)).flatMap((now, partition) => {
      if (Number(now) >= Number(seen[partition])) return [];
      // A partition that had nothing of the source when it was opened has lost only what came since.
      return now === '' && opened[partition] === '' ? openedAt : Number(now);
    });
    if (lost.length === 0 || (await isRepartitioned(this.#deps))) return;
    this.lowWater = Math.min(this.lowWater, ...lost);
    // Written down first: should this process die, the next one must not skip what was lost.
    await reply(redis.hset(keys.lowWater(input), source, String(this.lowWater)));
    this.#fallenBack = new SourceFellBackError(this.lowWater);
    throw this.#fallenBack;
  }

  async #appendTo(partition: number, all: readonly PositionedOutcome[], end: number): Promise<void> {
    const { source, former } = this.#opened;
    // Bounded: each turn but the last means that another process moved this source ahead, up to `end` at most.
    for (;;) {
      const at = this.#positions[partition] ?? '';
      const done = Math.max(this.lowWater, Number(at));
      const rows: Row[] = [];
      for (const item of all) {
        if (item.end <= done || item.outcome.kind === 'skip') continue;
        if (!former.has(item.outcome, item.end)) rows.push(rowOf(item.outcome));
      }
      if (rows.length === 0) return;
      const answer = await this.#send(partition, rows, { source, from: at, to: end });
      if (answer.status === 'full')
        throw new BackPressureError(`the log stream of partition ${partition} is full`);
      const now = answer.status === 'moved' ? answer.position : String(end);
      // Positions only grow, whoever moves them.
      if (Number(now) < Number(at)) throw new SourceFellBackError(Number(now));
      this.#positions[partition] = now;
      if (answer.status === 'ok') return;
    }
  }
}

/** Whether positions that are gone were taken away with the number of partitions that they belonged to. */
async function isRepartitioned({ redis, keys, partitions }: AppenderDeps): Promise<boolean> {
  const { partitions: inForce, change } = await readDeployment(redis, keys);
  return change !== undefined || (inForce !== undefined && inForce !== partitions);
}

function itemsByPartition(
  outcomes: readonly PositionedOutcome[],
  partitions: number,
): Map<number, PositionedOutcome[]> {
  const byPartition = new Map<number, PositionedOutcome[]>();
  for (const item of outcomes) {
    if (item.outcome.kind === 'skip') continue;
    const partition = partitionOfOutcome(item.outcome, partitions);
    const items = byPartition.get(partition);
    if (items === undefined) byPartition.set(partition, [item]);
    else items.push(item);
  }
  return byPartition;
}

/** Like Promise.all, but waits for every part before it throws the first failure: nothing goes on behind the caller's back. */
async function settleAll(parts: readonly Promise<void>[]): Promise<void> {
  const results = await Promise.allSettled(parts);
  for (const result of results) {
    if (result.status === 'rejected') throw result.reason;
  }
}
