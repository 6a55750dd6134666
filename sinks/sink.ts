import * as v from 'valibot';
import type { Clock } from '../common/clock.ts';
import type { Component } from '../common/component.ts';
import { partName } from '../common/config-values.ts';
import type { Logger } from '../common/logger.ts';
import type { StreamKind } from '../common/redis/keys.ts';
import type { StreamEntry } from '../common/stream-entry.ts';
import { batchConfigSchema } from './config.ts';
import type { Inspector } from './inspector.ts';

/** Settings that every sink has; spread into its schema. */
export const sinkEntries = {
  name: partName(
    "Name of the sink, unique in the config. Its position in the streams is kept under it: under a new name it starts from the streams' beginning.",
  ),
  batch: v.optional(batchConfigSchema, {}),
};

/** A partition's stream of one kind, as long as one process holds the claim for it. */
export interface Lane {
  stream: StreamKind;
  partition: number;
  /** Greater than that of every process which held the lane before: who meets a greater one has lost it. */
  fence: number;
}

/**
 * A batch whose bounds were written down before the first attempt. Whoever repeats it, here or in another process
 * after a crash, repeats exactly these rows under the same token.
 */
export interface SinkBatch extends Lane {
  /** The same for every repetition of this batch and for no other: usable as an insert_deduplication_token. */
  token: string;
  /** Whether the store may have been given it before, here or by another process; it may have got as far as anything then. */
  repeated: boolean;
  /** What the batch was read as: entries of the stream, with the time in their ids, and what each summary's transaction was before. */
  entries: readonly StreamEntry[];
  /** Their rows, one JSON value a line, each chunk whole lines, as they travel (common/wire-row.ts reads them) and as ClickHouse does. */
  chunks: readonly Buffer[];
  rows: number;
  bytes: number;
}

/** Rows that the store will never take, by their index in the batch; the worker keeps them as dead letters and goes on. */
export interface RefusedRow {
  index: number;
  reason: string;
}

/**
 * A repository that takes batches. Protocol: `open` once before the first write (it may be called by several
 * processes at once: migrations must bear that); then `write`, several at the same time (at most
 * `batch.writes_max`), but one batch of a partition's stream after the other; `close` last, safe twice.
 *
 * `write` resolves when the rows are stored for good, naming the rows that were refused for ever. It must be idempotent: the same
 * batch again has no effect, by its token or by upserts on (transaction_id, event_id), (transaction_id, version) and (event_id).
 * It throws RetriableError when the store is away, busy or full (the worker repeats the same batch with backoff), and
 * FatalError when nobody can mend it by waiting (wrong password, missing rights). It gives up when `signal` aborts.
 *
 * What `write` stored may be repeated, by another process too, until it is committed. A sink that could not take it back after somebody has
 * seen it (files that are handed over) waits for `settled` before it shows it.
 */
export interface Sink {
  /** The stream kinds it takes. */
  readonly streams: readonly StreamKind[];
  open(signal: AbortSignal): Promise<void>;
  write(batch: SinkBatch, signal: AbortSignal): Promise<{ refused: readonly RefusedRow[] }>;
  /**
   * Stores a batch that is put together of several partitions' as a whole, or nothing of it: false if a row of it is one that `write` would refuse. All else is
   * as with `write`; partition and fence are those of one of them. Absent where batches of one partition are as good.
   */
  readonly writeJoint?: (batch: SinkBatch, signal: AbortSignal) => Promise<boolean>;
  /**
   * Everything that was written to the lane so far, by whomever, is committed and will never come again. Called when a lane is
   * taken over, as soon as nothing is pending in it, and after each commit. Only notes it: what there is to do is done by the
   * sink's own time or with the next write.
   */
  settled?(lane: Lane): void;
  close(): Promise<void>;
  /** Looks into the store, for `tranweave verify`; absent where nothing can be looked up (files that are handed over). Needs no `open`. */
  readonly inspector?: Inspector;
}

export interface SinkDeps {
  /** The sink's configured name: part of its consumer groups' names. */
  name: string;
  clock: Clock;
  logger: Logger;
}

export interface SinkComponent<Config> extends Component<Config, SinkDeps, Sink> {
  /** The stream kinds that it takes. */
  readonly streams: readonly StreamKind[];
}
