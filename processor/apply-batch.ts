import { bookingsOf } from '../common/account.ts';
import type { Booking } from '../common/account.ts';
import { noteLogs } from './known-logs.ts';
import { applyKnownLogs, applyLogs } from './transaction-record.ts';
import type {
  Change,
  FindFlow,
  LogsOfTransaction,
  QuietChange,
  TransactionRecord,
} from './transaction-record.ts';

/** What logs make of the transactions, and which of them had come before. */
export function applyBatch(
  byTransaction: ReadonlyMap<string, LogsOfTransaction>,
  known: ReadonlyMap<string, TransactionRecord>,
  findFlow: FindFlow,
): { changes: (Change | QuietChange)[]; bookings: Booking[]; logs: number } {
  const changes: (Change | QuietChange)[] = [];
  const bookings: Booking[] = [];
  let logs = 0;
  for (const [id, group] of byTransaction) {
    logs += group.logs.length;
    const record = known.get(id);
    const noted = noteLogs(record?.logs ?? [], group.logs);
    for (const index of noted.repeated) {
      const account = group.accounts[index];
      if (account === undefined) continue;
      const counts = new Map([[group.logs[index]?.interface_id ?? '', 1]]);
      bookings.push(...bookingsOf('repeated', { ...account, counts }));
    }
    const change = applyLogs(record, group, findFlow);
    if (change !== undefined) {
      changes.push({ ...change, record: { ...change.record, logs: noted.known } });
    } else if (record !== undefined && noted.known !== record.logs) {
      changes.push(applyKnownLogs(record, noted.known, findFlow));
    }
  }
  return { changes, bookings, logs };
}
