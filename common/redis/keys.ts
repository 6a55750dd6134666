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
    /**
     * hash: `partitions` (N, recorded at first start), `format` (version of the data's shape); while N is being changed also
     * `changing_from`, `changing_to` and `changing_step` (partition-change.ts).
     */
    meta: () => `${prefix}:meta`,
    /** string with TTL: claim of the command that changes N. In the slot of `meta`: that key's whole name is this one's hash tag. */
    changeClaim: () => `{${prefix}:meta}:change`,
    /** counter: the last epoch given out for that claim. */
    changeEpoch: () => `{${prefix}:meta}:change-epoch`,
    /** zset: replica → time of its last heartbeat (ms, Redis' clock), one per group. */
    replicas: (group: string) => `${prefix}:replicas:${group}`,
    /** publish-subscribe channel: a message names the group of replicas in which something about claims changed. */
    claimNews: () => `${prefix}:claim-news`,
    /** string with TTL: hash of the body that came under an Idempotency-Key. */
    request: (input: string, keyHash: string) => `${prefix}:request:${input}:${keyHash}`,
    /** First part of the counters of the API's rate limits: `…:KEY-NAME`, a string with TTL. */
    rateLimits: () => `${prefix}:rate`,
    /** hash: source id → JSON of what a file input knows of it, one per input. */
    sources: (input: string) => `${prefix}:sources:${input}`,
    /** hash: source id → position below which every partition has it, one per input. */
    lowWater: (input: string) => `${prefix}:low-water:${input}`,
    /** hash: source id → JSON of how far it got in each partition when there were so many (`"N:partition"` → position). */
    formerPositions: () => `${prefix}:former-positions`,
    /**
     * string: the N for which logs are taken, or GUARD_CHANGING; absent until N is changed for the first time. It outlives its
     * partition, lest a collector that was never told of the change brings it back.
     */
    guard: (partition: number) => `${prefix}:{${partition}}:guard`,
    stream: (partition: number, kind: StreamKind) => `${prefix}:{${partition}}:${kind}`,
    /** hash: source id → position up to which this partition has it. */
    positions: (partition: number) => `${prefix}:{${partition}}:positions`,
    /** string with TTL: `epoch:replica`, the fencing token of whoever may work on the partition for a group. */
    claim: (partition: number, group: string) => `${prefix}:{${partition}}:claim:${group}`,
    /** number: the last epoch given out for that claim; never expires. */
    epoch: (partition: number, group: string) => `${prefix}:{${partition}}:epoch:${group}`,
    /** string: bounds of the batch that a sink is writing, set before the write, gone with the commit. */
    manifest: (partition: number, kind: StreamKind, group: string) =>
      `${prefix}:{${partition}}:manifest:${kind}:${group}`,
    /** string with TTL: what was decided of a sink's joint batch; see sinks/joint-record.ts. */
    jointBatch: (group: string, id: string) => `${prefix}:joint:${group}:${id}`,
    /** string with TTL: JSON of what is known of a transaction; see processor/stored-record.ts. */
    transaction: (partition: number, id: string) => `${prefix}:{${partition}}:txn:${id}`,
    /** What SCAN's MATCH must be for the keys of all transactions. */
    transactionsMatch: () => `${prefix}:{*}:txn:*`,
    /** The transaction that is a key's, if it is one's. */
    parseTransaction: (key: string): { partition: number; id: string } | undefined => {
      const [, partition, id] = /^[^:]+:\{(\d+)\}:txn:(.*)$/s.exec(key) ?? [];
      return partition === undefined || id === undefined ? undefined : { partition: Number(partition), id };
    },
    /** hash with TTL: what was counted on a UTC day of collection → how often; see common/account.ts. */
    account: (partition: number, day: string) => `${prefix}:{${partition}}:account:${day}`,
    /** What SCAN's MATCH must be for all accounts, also of partitions that are no more. */
    accountsMatch: () => `${prefix}:{*}:account:*`,
    /** Whose account a key is, if it is one. */
    parseAccount: (key: string): { partition: number; day: string } | undefined => {
      const [, partition, day] = /^[^:]+:\{(\d+)\}:account:(.*)$/s.exec(key) ?? [];
      return partition === undefined || day === undefined ? undefined : { partition: Number(partition), day };
    },
    /**
     * hash of alerts (sinks/alerting/): `fence:<stream>` and `token:<stream>` of the last batch that was counted, and `closed`: the time, ms since 1970, before
     * which nothing is counted any more.
     */
    alertCounts: (partition: number) => `${prefix}:{${partition}}:alerts`,
    /** hash with TTL: what was counted in a stretch of time; fields are told in sinks/alerting/bucket-code.ts. */
    alertBucket: (partition: number, lengthMs: number, start: number) =>
      `${prefix}:{${partition}}:alert-bucket:${lengthMs}:${start}`,
    /** hash with TTL: transaction that failed or timed out in a stretch of time → where that was counted, to take it off once it is cleared. */
    alertFailures: (partition: number, start: number) => `${prefix}:{${partition}}:alert-failures:${start}`,
    /** hash: states of alerts, up to when they were evaluated (`next`), and the `fence` of whoever may change them. All keys with {alerts} share a slot. */
    alertState: () => `${prefix}:{alerts}:state`,
    /** stream: messages that are to be handed over. */
    alertOutbox: () => `${prefix}:{alerts}:outbox`,
    /** hash: `at:<channel>` → id of the last message that it has, `trouble:<channel>` → JSON of what is wrong with it. */
    alertChannels: () => `${prefix}:{alerts}:channels`,
    /** hash: id of a silence → JSON; see sinks/alerting/quiet.ts. */
    alertSilences: () => `${prefix}:{alerts}:silences`,
    /** zset: transaction id → deadline in ms since 1970. */
    deadlines: (partition: number) => `${prefix}:{${partition}}:deadlines`,
    /** hash: what the insights' sink has counted of the partition, and by which definitions; see sinks/insights/lane-state.ts. */
    insightLane: (partition: number) => `${prefix}:{${partition}}:insights`,
    /** What the partition has of an insight of one generation; see sinks/insights/lane-keys.ts. */
    insightPart: (partition: number, name: string, generation: string, part: string) =>
      `${prefix}:{${partition}}:insight:${name}:${generation}:${part}`,
    /** What SCAN's MATCH must be for all of these of an insight. */
    insightPartsMatch: (name: string) => `${prefix}:{*}:insight:${name}:*`,
    /** hash: the insights' definitions, the last revision, and the fence of whoever puts partitions together. */
    insights: () => `${prefix}:{insights}:state`,
    /** hash: start of a window (ms since 1970) → JSON of what is known of it, one per insight and generation. */
    insightWindows: (name: string, generation: string) =>
      `${prefix}:{insights}:windows:${name}:${generation}`,
    /** hash: row → its JSON, until ClickHouse has it; one per insight and generation. */
    insightPending: (name: string, generation: string) =>
      `${prefix}:{insights}:pending:${name}:${generation}`,
    /** What SCAN's MATCH must be for the keys of an insight's generations that are not of one partition. */
    insightGenerationsMatch: (name: string) => `${prefix}:{insights}:*:${name}:2*T*`,
    /** hash with TTL once the window is closed: group → JSON of its row; for whoever looks numbers up. @param window as text, in the insight's zone. */
    insightLookup: (name: string, window: string) => `${prefix}:{insights}:rows:${name}:${window}`,
    /** stream: rows and windows as they change; for whoever follows them. */
    insightStream: (name: string) => `${prefix}:{insights}:stream:${name}`,
  };
}
