import { LRUCache } from 'lru-cache';
import { bookingArguments } from '../common/account.ts';
import type { Booking } from '../common/account.ts';
import type { DeadLetter } from '../common/dead-letter.ts';
import type { RedisClient } from '../common/redis/connection.ts';
import { PROCESSOR_GROUP } from '../common/redis/groups.ts';
import type { Keys } from '../common/redis/keys.ts';
import { reply } from '../common/redis/redis-error.ts';
import { loadScript } from '../common/redis/scripts.ts';
import { summaryToLine } from '../common/summary-row.ts';
import { encodeEntries } from '../common/stream-entry.ts';
import type { ProcessorConfig } from './config.ts';
import { retentionOf } from './retention.ts';
import { decodeRecord, encodeRecord } from './stored-record.ts';
import type { Change, QuietChange, TransactionRecord } from './transaction-record.ts';

/** The transactions of one claimed partition: in memory as far as they fit, in Redis for good. */
export interface SummaryStore {
  /** The records of those ids that are known. */
  load(ids: readonly string[]): Promise<Map<string, TransactionRecord>>;
  /**
   * Commits under the claim's token, all or nothing. `full`: the sinks are too far behind, nothing was changed. Throws a FencedError
   * when the claim is lost.
   */
  commit(batch: CommitBatch): Promise<'ok' | 'full'>;
  /** Ids whose deadline is at or before `now` (ms since 1970), earliest first, `max` at most. */
  due(now: number, max: number): Promise<string[]>;
}

export interface CommitBatch {
  changes: readonly (Change | QuietChange)[];
  /** The position behind the logs that caused the changes. */
  position?: { lastId: string; entriesRead: number | null };
  /** Deadlines that do not hold any more (the flow was changed, the transaction is gone): when each is really due, if ever. */
  corrections?: readonly { id: string; at: number | undefined }[];
  /** Entries of the batch that are none of ours. */
  letters?: readonly DeadLetter[];
  /** What is counted with it. */
  bookings?: readonly Booking[];
}

/** Keys of the script before those of the transactions. */
const FIXED_KEYS = 5;

const commitScript = loadScript(new URL('./commit.lua', import.meta.url));

export interface SummaryStoreDeps {
  redis: RedisClient;
  keys: Keys;
  config: ProcessorConfig;
  partition: number;
  token: string;
}

/** The cache is this store's own and dies with the claim, so it never outlives the right to trust it. */
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
    commit: async (batch) => {
      const { changes, position, corrections = [] } = batch;
      if (changes.length === 0 && corrections.length === 0 && position === undefined) return 'ok';
      const result = await runCommit(deps, batch);
      if (String(result) === 'full') return 'full';
      for (const { evaluation, record } of changes) {
        const id = record.state.transaction_id;
        // What is completed gets hardly any more logs; keeping it would only give the garbage collector work.
        if (evaluation.status === 'completed') cache?.delete(id);
        else cache?.set(id, record);
      }
      return 'ok';
    },
    due: (now, max) =>
      reply(
        redis.zrange(keys.deadlines(partition), '-inf', String(now), 'BYSCORE', 'LIMIT', 0, max),
        keys.deadlines(partition),
      ),
  };
}

function runCommit(
  deps: SummaryStoreDeps,
  { changes, position, corrections = [], letters = [], bookings = [] }: CommitBatch,
): Promise<unknown> {
  const { keys, partition } = deps;
  const ids = changes.map(({ record }) => record.state.transaction_id);
  const books = bookingArguments(bookings, (day) => keys.account(partition, day), FIXED_KEYS + ids.length);
  return commitScript.run(
    deps.redis,
    [
      keys.claim(partition, PROCESSOR_GROUP),
      keys.stream(partition, 'log'),
      keys.stream(partition, 'summary'),
      keys.deadlines(partition),
      keys.stream(partition, 'dead_letter'),
      ...ids.map((id) => keys.transaction(partition, id)),
      ...books.keys,
    ],
    [
      deps.token,
      PROCESSOR_GROUP,
      position?.lastId ?? '',
      position?.entriesRead ?? '',
      deps.config.summary_entries_max,
      ...books.args,
      ...letterArguments(letters),
      ...changeArguments(deps.config, changes),
      corrections.length,
      ...corrections.flatMap(({ id, at }) => [id, at ?? '']),
    ],
  );
}

function letterArguments(letters: readonly DeadLetter[]): (string | number)[] {
  const entries = encodeEntries(letters.map((letter) => ({ line: JSON.stringify(letter) })));
  return [entries.length, ...entries.flatMap((entry) => [entry.rows, entry.body])];
}

function changeArguments(
  config: ProcessorConfig,
  changes: readonly (Change | QuietChange)[],
): (string | number)[] {
  const published = changes.flatMap(({ summary }) => (summary === undefined ? [] : [summary]));
  const entries = encodeEntries(published.map((summary) => ({ line: summaryToLine(summary) })));
  return [
    entries.length,
    ...entries.flatMap((entry) => [entry.rows, entry.body]),
    changes.length,
    ...changes.flatMap(({ record, evaluation, deadlineChanged }) => [
      record.state.transaction_id,
      encodeRecord(record),
      retentionOf(evaluation, record.kept.updated_at, config),
      deadlineChanged ? (record.deadline_at ?? '') : 'as it is',
    ]),
  ];
}
