import { LRUCache } from 'lru-cache';
import type { RedisClient } from '../common/redis/connection.ts';
import { reply } from '../common/redis/redis-error.ts';
import { runCommit, wordsOf } from './commit.ts';
import type { CommitBatch, Committer } from './commit.ts';
import { decodeRecord } from './stored-record.ts';
import type { TransactionRecord } from './transaction-record.ts';

/** The transactions of one claimed partition: in memory as far as they fit, in Redis for good. */
export interface SummaryStore {
  /** The records of those ids that are known. Whoever changes their states must commit that: the store keeps these very objects. */
  load(ids: readonly string[]): Promise<Map<string, TransactionRecord>>;
  /** Writes out what the batch changes. */
  prepare(batch: CommitBatch): Commit;
  /** Ids whose deadline is at or before `now` (ms since 1970), earliest first, `max` at most. */
  due(now: number, max: number): Promise<string[]>;
}

/**
 * Commits a batch under the claim's token, all or nothing. `full`: the sinks are too far behind, nothing was changed, and it can be called again.
 * Throws a FencedError when the claim is lost.
 */
export type Commit = () => Promise<'ok' | 'full'>;

export interface SummaryStoreDeps extends Committer {
  redis: RedisClient;
}

/**
 * The cache is this store's own and dies with the claim, so it never outlives the right to trust it.
 */
export function createSummaryStore(deps: SummaryStoreDeps, cachedMax: number): SummaryStore {
  const { redis, keys, partition } = deps;
  const cache = cachedMax > 0 ? new LRUCache<string, TransactionRecord>({ max: cachedMax }) : undefined;

  async function fetch(ids: readonly string[]): Promise<[string, TransactionRecord][]> {
    if (ids.length === 0) return [];
    const records = await reply(redis.mget(ids.map((id) => keys.transaction(partition, id))));
    return ids.flatMap((id, index) => {
      const json = records[index];
      if (typeof json !== 'string') return [];
      const record = decodeRecord(json, keys.transaction(partition, id));
      return [[id, record] satisfies [string, TransactionRecord]];
    });
  }

  return {
    load: async (ids) => {
      const known = new Map<string, TransactionRecord>();
      const missing: string[] = [];
      for (const id of ids) {
        const record = cache?.get(id);
        if (record === undefined) missing.push(id);
        else known.set(id, record);
      }
      for (const [id, record] of await fetch(missing)) known.set(id, record);
      return known;
    },
    prepare: (batch) => {
      const { changes, position, corrections = [] } = batch;
      if (changes.length === 0 && corrections.length === 0 && position === undefined) return async () => 'ok';
      const words = wordsOf(deps, batch);
      const open: TransactionRecord[] = [];
      for (const { evaluation, record } of changes) {
        // What is completed gets hardly any more logs; keeping it would only give the garbage collector work.
        if (evaluation.status === 'completed') cache?.delete(record.state.transaction_id);
        else open.push(record);
      }
      return async () => {
        try {
          if ((await runCommit(redis, words)) === 'full') return 'full';
        } catch (error) {
          // What was not committed may have changed the very records.
          cache?.clear();
          throw error;
        }
        for (const record of open) cache?.set(record.state.transaction_id, record);
        return 'ok';
      };
    },
    due: (now, max) =>
      reply(
        redis.zrange(keys.deadlines(partition), '-inf', String(now), 'BYSCORE', 'LIMIT', 0, max),
        keys.deadlines(partition),
      ),
  };
}
