import type { RedisClient } from '../../common/redis/connection.ts';
import type { Keys } from '../../common/redis/keys.ts';
import { reply } from '../../common/redis/redis-error.ts';
import { scanKeys } from '../../common/redis/scan.ts';
import { timestampFromMillis } from '../../common/timestamp.ts';
import { hashOf } from '../../processor/known-logs.ts';
import { decodeRecord } from '../../processor/stored-record.ts';
import type { AskedTransactions, Inspector, StoredTransaction } from '../../sinks/inspector.ts';

/** What Redis knows of a transaction and a store must know too. */
export interface KnownTransaction {
  id: string;
  partition: number;
  version: number;
  /** Canonical times. */
  created_at: string;
  started_at: string;
  last_event_at: string;
  /** Of its logs' event ids; see processor/known-logs.ts. */
  hashes: readonly number[];
}

/** Keys that are gathered before stores are asked: enough that many of them fall into the same hour. */
const PAGE = 5_000;
/** Transactions that a store is asked for at a time. */
const ASKED_MAX = 1_000;

/** Every transaction that Redis remembers, page by page. Throws a RetriableError when Redis is away. */
export async function* knownTransactions(redis: RedisClient, keys: Keys): AsyncGenerator<KnownTransaction[]> {
  let gathered: string[] = [];
  for await (const page of scanKeys(redis, keys.transactionsMatch())) {
    gathered.push(...page);
    if (gathered.length < PAGE) continue;
    yield await readRecords(redis, keys, gathered);
    gathered = [];
  }
  yield await readRecords(redis, keys, gathered);
}

async function readRecords(
  redis: RedisClient,
  keys: Keys,
  page: readonly string[],
): Promise<KnownTransaction[]> {
  // A scan may give a key twice.
  const byPartition = groupBy([...new Set(page)], (key) => keys.parseTransaction(key)?.partition);
  const known: KnownTransaction[] = [];
  for (const [partition, group] of byPartition) {
    if (partition === undefined) continue;
    const records = await reply(redis.mget(group));
    group.forEach((key, index) => {
      const json = records[index];
      if (typeof json === 'string') known.push(knownOf(partition, key, json));
    });
  }
  return known;
}

function knownOf(partition: number, key: string, json: string): KnownTransaction {
  const { state, kept, logs } = decodeRecord(json, key);
  return {
    id: state.transaction_id,
    partition,
    version: kept.version,
    created_at: timestampFromMillis(kept.created_at),
    started_at: state.started_at,
    last_event_at: state.last_event_at,
    hashes: logs,
  };
}

/** Those that a store does not know as Redis does, and what differs, in words. */
export async function findDiffering(
  known: readonly KnownTransaction[],
  inspector: Inspector,
  signal: AbortSignal,
): Promise<{ transaction: KnownTransaction; differs: string }[]> {
  const differing: { transaction: KnownTransaction; differs: string }[] = [];
  // By hours, so that a store which keeps logs in the order of time need not look everywhere.
  const byHour = groupBy(known, ({ started_at }) => started_at.slice(0, 'YYYY-MM-DDTHH'.length));
  for (const hour of byHour.values()) {
    for (let at = 0; at < hour.length; at += ASKED_MAX) {
      const group = hour.slice(at, at + ASKED_MAX);
      const stored = await inspector.transactions(questionOf(group), signal);
      for (const transaction of group) {
        const differs = differenceOf(transaction, stored.get(transaction.id));
        if (differs !== undefined) differing.push({ transaction, differs });
      }
    }
  }
  return differing;
}

function questionOf(group: readonly KnownTransaction[]): AskedTransactions {
  const starts = group.map(({ started_at }) => started_at).sort(compare);
  const ends = group.map(({ last_event_at }) => last_event_at).sort(compare);
  return { ids: group.map(({ id }) => id), from: starts[0] ?? '', to: ends.at(-1) ?? '' };
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** A store may be ahead of what was read from Redis before, never behind. */
export function differenceOf(
  known: KnownTransaction,
  stored: StoredTransaction | undefined,
): string | undefined {
  if (stored === undefined) return 'is not there';
  const differences: string[] = [];
  const { summary } = stored;
  if (summary === undefined) differences.push('has no summary there');
  else if (summary.created_at > known.created_at) differences.push('was begun later there than in Redis');
  else if (summary.created_at === known.created_at) {
    if (summary.version < known.version)
      differences.push(`stands at version ${summary.version} there and at ${known.version} in Redis`);
    if (summary.version === known.version && summary.last_event_at !== known.last_event_at)
      differences.push(`ends at ${summary.last_event_at} there and at ${known.last_event_at} in Redis`);
  }
  const there = new Set(stored.event_ids.map(hashOf));
  const lacking = known.hashes.filter((hash) => !there.has(hash)).length;
  if (lacking > 0) differences.push(`lacks ${lacking} of its ${known.hashes.length} logs there`);
  return differences.length === 0 ? undefined : differences.join('; ');
}

function groupBy<T, K>(items: readonly T[], keyOf: (item: T) => K): Map<K, T[]> {
  const groups = new Map<K, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [item]);
    else group.push(item);
  }
  return groups;
}

/** Adds what there is room for. Returns whether that was all. */
export function addUpTo<T>(max: number, kept: T[], news: readonly T[]): boolean {
  const room = max - kept.length;
  kept.push(...news.slice(0, room));
  return news.length <= room;
}
