import type { ClickHouseClient } from '@clickhouse/client';
import { canonicalTimestamp } from '../../common/timestamp.ts';
import { storedTransactions } from '../inspector.ts';
import type { Inspector, StoredLogs } from '../inspector.ts';
import { askRows } from './ask.ts';
import { meaningOf } from './failure.ts';
import { quote } from './quote.ts';

/** 64-bit numbers as numbers, times as ours are. */
const READ = { output_format_json_quote_64bit_integers: 0, date_time_output_format: 'iso' } as const;
/** Ids of a page of transactions travel in the query's text. */
const QUERY_BYTES_MAX = '16777216';

export function inspectorOf(client: ClickHouseClient, database: string): Inspector {
  async function rowsOf<Row>(
    sql: string,
    params: Record<string, string>,
    signal: AbortSignal,
  ): Promise<Row[]> {
    const settings = { ...READ, max_query_size: QUERY_BYTES_MAX };
    try {
      return await askRows<Row>(client, { sql, params, settings, signal });
    } catch (error) {
      throw meaningOf(error);
    }
  }
  return {
    logs: async ({ from, until }, signal) => {
      const counted = (final: string) =>
        rowsOf<{ input: string; interface_id: string; n: number }>(
          `SELECT input, interface_id, count() AS n FROM ${database}.tracking_log ${final}
           WHERE ingest_time >= {from:DateTime64(6, 'UTC')} AND ingest_time < {until:DateTime64(6, 'UTC')} GROUP BY input, interface_id`,
          { from: plainTime(from), until: plainTime(until) },
          signal,
        );
      const rows = await counted('');
      // What is counted after may hold more, never less.
      const distinct = await counted('FINAL');
      return rows.map(({ input, interface_id, n }): StoredLogs => {
        const found = distinct.find((one) => one.input === input && one.interface_id === interface_id);
        return { input, interface_id, rows: n, logs: found?.n ?? 0 };
      });
    },
    transactions: async ({ ids, from, to }, signal) => {
      const wanted = ids.map(quote).join(', ');
      const logs = await rowsOf<{ transaction_id: string; event_id: string }>(
        `SELECT DISTINCT transaction_id, event_id FROM ${database}.tracking_log
         WHERE event_time BETWEEN {from:DateTime64(6, 'UTC')} AND {to:DateTime64(6, 'UTC')} AND transaction_id IN (${wanted})`,
        { from: plainTime(from), to: plainTime(to) },
        signal,
      );
      const summaries = await rowsOf<SummaryRow>(
        `SELECT transaction_id, created_at, version, last_event_at FROM ${database}.transaction_summary
         WHERE transaction_id IN (${wanted})`,
        {},
        signal,
      );
      return storedTransactions(logs, summaries.map(canonical));
    },
  };
}

interface SummaryRow {
  transaction_id: string;
  created_at: string;
  version: number;
  last_event_at: string;
}

function canonical(row: SummaryRow): SummaryRow {
  return {
    ...row,
    created_at: canonicalTimestamp(row.created_at) ?? row.created_at,
    last_event_at: canonicalTimestamp(row.last_event_at) ?? row.last_event_at,
  };
}

function plainTime(time: string): string {
  return time.replace('T', ' ').replace('Z', '');
}
