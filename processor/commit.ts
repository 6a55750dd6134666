import { bookingArguments } from '../common/account.ts';
import type { Booking } from '../common/account.ts';
import type { DeadLetter } from '../common/dead-letter.ts';
import type { RedisClient } from '../common/redis/connection.ts';
import { PROCESSOR_GROUP } from '../common/redis/groups.ts';
import type { Keys } from '../common/redis/keys.ts';
import { loadScript, PARTS } from '../common/redis/scripts.ts';
import { SUMMARY_COLUMNS, summaryToLine } from '../common/summary-row.ts';
import { encodeEntries } from '../common/stream-entry.ts';
import type { EntryRow } from '../common/stream-entry.ts';
import type { ProcessorConfig } from './config.ts';
import { retentionOf } from './retention.ts';
import { encodeRecord } from './stored-record.ts';
import type { Change, QuietChange } from './transaction-record.ts';

/** The script that makes a batch of one partition take effect, and what it is told; see commit.lua. */

const commitScript = loadScript(new URL('./commit.lua', import.meta.url), PARTS.book, PARTS.moveGroup);

/** Whose commit it is. */
export interface Committer {
  keys: Keys;
  config: ProcessorConfig;
  partition: number;
  token: string;
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

/** KEYS and ARGV of the script. */
export interface CommitWords {
  keys: string[];
  args: (string | number)[];
}

/** Keys of the script before those of the transactions. */
const FIXED_KEYS = 5;

export function wordsOf(
  { keys, config, partition, token }: Committer,
  { changes, position, corrections = [], letters = [], bookings = [] }: CommitBatch,
): CommitWords {
  const kept = byRetention(config, changes);
  const transactionKeys = [...kept.values()]
    .flat()
    .map(({ record }) => keys.transaction(partition, record.state.transaction_id));
  const books = bookingArguments(
    bookings,
    (day) => keys.account(partition, day),
    FIXED_KEYS + transactionKeys.length,
  );
  return {
    keys: [
      keys.claim(partition, PROCESSOR_GROUP),
      keys.stream(partition, 'log'),
      keys.stream(partition, 'summary'),
      keys.deadlines(partition),
      keys.stream(partition, 'dead_letter'),
      ...transactionKeys,
      ...books.keys,
    ],
    args: [
      token,
      PROCESSOR_GROUP,
      position?.lastId ?? '',
      position?.entriesRead ?? '',
      config.summary_entries_max,
      ...books.args,
      ...letterArguments(letters),
      ...summaryArguments(changes),
      ...recordArguments(kept),
      ...deadlineArguments(changes, corrections),
    ],
  };
}

/** Throws a FencedError when the claim is lost. */
export async function runCommit(redis: RedisClient, { keys, args }: CommitWords): Promise<'ok' | 'full'> {
  return String(await commitScript.run(redis, keys, args)) === 'full' ? 'full' : 'ok';
}

function letterArguments(letters: readonly DeadLetter[]): (string | number)[] {
  const entries = encodeEntries(letters.map((letter) => ({ line: JSON.stringify(letter) })));
  return [entries.length, ...entries.flatMap((entry) => [entry.rows, entry.body])];
}

function summaryArguments(changes: readonly (Change | QuietChange)[]): (string | number)[] {
  const lines: EntryRow[] = [];
  for (const change of changes) {
    if (change.summary !== undefined) lines.push({ line: summaryToLine(change.summary), was: change.was });
  }
  const entries = encodeEntries(lines);
  return [
    SUMMARY_COLUMNS.length,
    entries.length,
    ...entries.flatMap((entry) => [entry.rows, entry.was ?? '', entry.body]),
  ];
}

/** Retention in ms → the changes whose transactions are kept for so long: hardly ever more than the two that are configured. */
type Kept = ReadonlyMap<number, readonly (Change | QuietChange)[]>;

function byRetention(config: ProcessorConfig, changes: readonly (Change | QuietChange)[]): Kept {
  const kept = new Map<number, (Change | QuietChange)[]>();
  for (const change of changes) {
    const ms = retentionOf(change.evaluation, change.record.kept.updated_at, config);
    const group = kept.get(ms);
    if (group === undefined) kept.set(ms, [change]);
    else group.push(change);
  }
  return kept;
}

function recordArguments(kept: Kept): (string | number)[] {
  const args: (string | number)[] = [kept.size];
  for (const [ms, group] of kept) {
    args.push(ms, group.length);
    for (const { record } of group) args.push(encodeRecord(record));
  }
  return args;
}

function deadlineArguments(
  changes: readonly (Change | QuietChange)[],
  corrections: readonly { id: string; at: number | undefined }[],
): (string | number)[] {
  const set: (string | number)[] = [];
  const corrected: (string | number)[] = [];
  const gone: string[] = [];
  const sort = (list: (string | number)[], id: string, at: number | undefined) => {
    if (at === undefined) gone.push(id);
    else list.push(at, id);
  };
  for (const { record, deadlineChanged } of changes) {
    if (deadlineChanged) sort(set, record.state.transaction_id, record.deadline_at);
  }
  for (const { id, at } of corrections) sort(corrected, id, at);
  return [set, corrected, gone].flatMap((list) => [list.length, ...list]);
}
