import type { Account } from '../common/account.ts';
import { PermanentError } from '../common/errors.ts';
import type { MergeLog } from '../common/merge.ts';
import { millisOfId } from '../common/redis/stream-id.ts';
import { mergeLogsOf } from '../common/log-row.ts';
import type { StreamEntry } from '../common/stream-entry.ts';
import type { LogsOfTransaction } from './transaction-record.ts';

/** What a batch of entries brought. */
export interface Grouped {
  byTransaction: Map<string, LogsOfTransaction>;
  /** Entries that are none of ours; nothing of them was taken. */
  undecodable: { entry: StreamEntry; reason: string }[];
}

/** Redis' clock and ours differ by less, unless one of them is wrong. */
const CLOCK_AHEAD_MS_MAX = 60_000;

/**
 * When an entry was added, ms since 1970, as its id says. One from far ahead of now was added while Redis' clock was wrong, or under an
 * id that was made up, and counts as added now: it must not let deadlines pass early.
 */
export function collectedAt(id: string, now: number): number {
  const at = millisOfId(id);
  return at > now + CLOCK_AHEAD_MS_MAX ? now : at;
}

/** The logs of a batch of entries by transaction, in the order of the stream. @param now ms since 1970. */
export function groupByTransaction(entries: readonly StreamEntry[], now: number): Grouped {
  const grouped: Grouped = { byTransaction: new Map(), undecodable: [] };
  for (const entry of entries) {
    const logs = logsOf(entry);
    if (typeof logs === 'string') {
      grouped.undecodable.push({ entry, reason: logs });
      continue;
    }
    const at = collectedAt(entry.id, now);
    for (const log of logs) add(grouped.byTransaction, log, at, entry.account);
  }
  return grouped;
}

/** Or why there are none, in words. */
function logsOf({ broken, body, rows }: StreamEntry): MergeLog[] | string {
  if (broken !== undefined) return broken;
  try {
    return mergeLogsOf(body, rows);
  } catch (error) {
    if (error instanceof PermanentError) return error.message;
    throw error;
  }
}

function add(
  byTransaction: Map<string, LogsOfTransaction>,
  log: MergeLog,
  at: number,
  account: Account | undefined,
): void {
  const known = byTransaction.get(log.transaction_id);
  if (known === undefined) {
    byTransaction.set(log.transaction_id, { logs: [log], at: [at], accounts: [account] });
  } else {
    known.logs.push(log);
    known.at.push(at);
    known.accounts.push(account);
  }
}
