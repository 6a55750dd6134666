/**
 * Every key of Tranweave in Redis. The braces are the Redis Cluster hash tag: all keys of a partition share a slot, so
 * one script can touch them together. https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/#hash-tags
 */

/** The streams of a partition: standard logs, changed summaries, and what could become neither. */
export const STREAM_KINDS = ['log', 'summary', 'dead_letter'] as const;
export type StreamKind = (typeof STREAM_KINDS)[number];

export type Keys = ReturnType<typeof createKeys>;

/** @param prefix `tranweave` unless several deployments share one Redis. */
export function createKeys(prefix: string) {
  return {
    /** hash: `partitions` (N, fixed at first start), `format` (version of the data's shape). */
    meta: () => `${prefix}:meta`,
    /** zset: replica → time of its last heartbeat (ms, Redis' clock), one per group. */
    replicas: (group: string) => `${prefix}:replicas:${group}`,
    /** publish-subscribe channel: a message names the group of replicas in which something about claims changed. */
    claimNews: () => `${prefix}:claim-news`,
    /** string with TTL: hash of the body that came under an Idempotency-Key. */
    request: (input: string, keyHash: string) => `${prefix}:request:${input}:${keyHash}`,
    /** hash: source id → JSON of what a file input knows of it, one per input. */
    sources: (input: string) => `${prefix}:sources:${input}`,
    /** hash: source id → position below which every partition has it, one per input. */
    lowWater: (input: string) => `${prefix}:low-water:${input}`,
    stream: (partition: number, kind: StreamKind) => `${prefix}:{${partition}}:${kind}`,
    /** hash: source id → position up to which this partition has it. */
    positions: (partition: number) => `${prefix}:{${partition}}:positions`,
    /** string with TTL: `epoch:replica`, the fencing token of whoever may work on the partition for a group. */
    claim: (partition: number, group: string) => `${prefix}:{${partition}}:claim:${group}`,
    /** counter: the last epoch given out for that claim; never expires. */
    epoch: (partition: number, group: string) => `${prefix}:{${partition}}:epoch:${group}`,
    /** string: bounds of the batch that a sink is writing, set before the write, gone with the commit. */
    manifest: (partition: number, kind: StreamKind, group: string) =>
      `${prefix}:{${partition}}:manifest:${kind}:${group}`,
    /** string with TTL: JSON of what is known of a transaction; see processor/transaction-record.ts. */
    transaction: (partition: number, id: string) => `${prefix}:{${partition}}:txn:${id}`,
    /** zset: transaction id → deadline in ms since 1970. */
    deadlines: (partition: number) => `${prefix}:{${partition}}:deadlines`,
  };
}
