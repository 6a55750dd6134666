import { storedTransactions } from '../inspector.ts';
import type { Inspector, StoredLogs, StoredTransaction } from '../inspector.ts';
import type { Session } from './connection.ts';

/** Runs work on a connection, and throws what a failure means. */
export type Lend = <T>(signal: AbortSignal, work: (session: Session) => Promise<T>) => Promise<T>;

export function inspectorOf(lend: Lend): Inspector {
  return {
    logs: ({ from, until }, signal) =>
      lend(signal, async (session) => {
        const rows = await session.rows<{ input: string | null; interface_id: string | null; n: number }>(
          'SELECT input, interface_id, count(*) AS n FROM tracking_log WHERE ingest_time >= ? AND ingest_time < ? GROUP BY input, interface_id',
          [plain(from), plain(until)],
        );
        return rows.map(({ input, interface_id, n }): StoredLogs => {
          return { input: input ?? '', interface_id: interface_id ?? '', rows: n, logs: n };
        });
      }),
    transactions: ({ ids }, signal) =>
      lend(signal, async (session) => {
        const logs = await session.rows<{ transaction_id: string; event_id: string }>(
          'SELECT transaction_id, event_id FROM tracking_log WHERE transaction_id IN (?)',
          [ids],
        );
        const summaries = await session.rows<SummaryRow>(
          'SELECT transaction_id, version, created_at, last_event_at FROM transaction_summary WHERE transaction_id IN (?)',
          [ids],
        );
        return storedTransactions(
          logs,
          summaries.map((row) => ({
            ...row,
            created_at: canonical(row.created_at),
            last_event_at: canonical(row.last_event_at),
          })),
        );
      }),
  };
}

type SummaryRow = { transaction_id: string } & NonNullable<StoredTransaction['summary']>;

function plain(time: string): string {
  return time.replace('T', ' ').replace('Z', '');
}

/** `2026-01-31 09:15:00.123456`, in UTC as the session is. */
function canonical(time: string): string {
  return `${time.replace(' ', 'T')}Z`;
}
