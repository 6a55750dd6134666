import type { MergeLog } from '../common/merge.ts';
import { millisOfId } from '../common/redis/stream-id.ts';
import { decodeHeader } from '../common/stream-entry.ts';
import type { StreamEntry } from '../common/stream-entry.ts';
import type { LogsOfTransaction } from './transaction-record.ts';

/** The logs of a batch of entries by transaction, in the order of the stream. Throws a PermanentError for an entry without a header. */
export function groupByTransaction(entries: readonly StreamEntry[]): Map<string, LogsOfTransaction> {
  const byTransaction = new Map<string, LogsOfTransaction>();
  for (const entry of entries) {
    const at = millisOfId(entry.id);
    for (const log of decodeHeader(entry.header ?? Buffer.alloc(0))) add(byTransaction, log, at);
  }
  return byTransaction;
}

function add(byTransaction: Map<string, LogsOfTransaction>, log: MergeLog, at: number): void {
  const known = byTransaction.get(log.transaction_id);
  if (known === undefined) {
    byTransaction.set(log.transaction_id, { logs: [log], at: [at] });
  } else {
    known.logs.push(log);
    known.at.push(at);
  }
}
