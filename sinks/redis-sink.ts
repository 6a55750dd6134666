import type { Registry } from 'prom-client';
import type { ClaimWork } from '../common/redis/claims.ts';
import type { RedisClient, RedisConfig } from '../common/redis/connection.ts';
import type { Keys, StreamKind } from '../common/redis/keys.ts';
import type { BatchConfig } from './config.ts';
import type { Sink, SinkDeps } from './sink.ts';

/**
 * A sink whose store is Redis itself: it makes something of the streams (alerts, aggregates) and keeps it beside them. It is no entry of
 * `sinks:` but comes of a section of its own; batches, claims and fences are those of every sink.
 *
 * Exactly once: `write` ends in one script on keys of the batch's partition, which compares the batch's `fence` with the greatest it
 * has seen (a smaller one: somebody else has the lane) and its `token` with the last one (the same: it is done already).
 *
 * The number of partitions may be changed (docs/partitions.md): a transaction is in another one from then on, and what was kept of it in the
 * former is not moved by that.
 */
export interface RedisSink {
  /** Part of its consumer groups' names, and unlike the name of any entry of `sinks:`. */
  readonly name: string;
  /** The stream kinds it takes: its groups must exist before anything is trimmed. */
  readonly streams: readonly StreamKind[];
  readonly batch: BatchConfig;
  create(deps: RedisSinkDeps): Sink;
}

export interface RedisSinkDeps extends SinkDeps {
  redis: RedisClient;
  redisConfig: RedisConfig;
  keys: Keys;
  partitions: number;
  registry: Registry;
  /** Aborts when the process stops: what runs beside `write` ends then, and `close` waits for it. */
  stopping: AbortSignal;
  /**
   * Runs `work` in one process of the deployment at a time, under a claim of `group` on partition 0: keys that its scripts touch together
   * with that claim (`keys.claim(0, group)`) must be in partition 0's slot. Resolves once the process stops and the work has ended. Never rejects.
   */
  runAlone(group: string, work: ClaimWork): Promise<void>;
  /** Adds something that is asked for what keeps it from doing its job, in words, for `/readyz`. */
  addTrouble(trouble: () => string | undefined): void;
  /** Ends the process with an error that no waiting mends. */
  fail(error: unknown): void;
}
