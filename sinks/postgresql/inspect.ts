import type { Client } from 'pg';
import { storedTransactions } from '../inspector.ts';
import type { Inspector, StoredLogs, StoredTransaction } from '../inspector.ts';

/** Runs work on a connection, and throws what a failure means. */
export type Lend = <T>(signal: AbortSignal, work: (client: Client) => Promise<T>) => Promise<T>;

const CANONICAL = `'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'`;

export function inspectorOf(lend: Lend, schema: string): Inspector {
  return {
    logs: ({ from, until }, signal) =>
      lend(signal, async (client) => {
        const { rows } = await client.query<{ input: string | null; interface_id: string | null; n: string }>(
          `SELECT input, interface_id, count(*) AS n FROM ${schema}.tracking_log
           WHERE ingest_time >= $1 AND ingest_time < $2 GROUP BY 1, 2`,
          [from, until],
        );
        return rows.map(({ input, interface_id, n }): StoredLogs => {
          return { input: input ?? '', interface_id: interface_id ?? '', rows: Number(n), logs: Number(n) };
        });
      }),
    transactions: ({ ids }, signal) =>
      lend(signal, async (client) => {
        const logs = await client.query<{ transaction_id: string; event_id: string }>(
          `SELECT transaction_id, event_id FROM ${schema}.tracking_log WHERE transaction_id = ANY ($1)`,
          [ids],
        );
        const summaries = await client.query<SummaryRow>(
          `SELECT transaction_id, version, to_char(created_at AT TIME ZONE 'UTC', ${CANONICAL}) AS created_at,
             to_char(last_event_at AT TIME ZONE 'UTC', ${CANONICAL}) AS last_event_at
           FROM ${schema}.transaction_summary WHERE transaction_id = ANY ($1)`,
          [ids],
        );
        return storedTransactions(
          logs.rows,
          summaries.rows.map((row) => ({ ...row, version: Number(row.version) })),
        );
      }),
  };
}

/** A bigint comes as a text. */
type SummaryRow = { transaction_id: string; version: string } & Omit<
  NonNullable<StoredTransaction['summary']>,
  'version'
>;
