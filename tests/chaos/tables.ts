import type { Ledger } from '../../scripts/generate/generator.ts';
import type { Store } from './store.ts';

/** What the tables hold, compared with what was generated: one sentence for each difference, none if all is well. Without FINAL where a table is asked itself. */
export async function checkTables(store: Store, ledger: Ledger): Promise<string[]> {
  const { logs, record_count, transactions, completed, failed, in_progress } = ledger;
  return [
    ...(await check(store, 'tracking_log', { logs, distinct: logs, record_count }, [
      'count() AS logs',
      'uniqExact(event_id) AS distinct',
      'sum(record_count) AS record_count',
    ])),
    ...(await check(store, 'transaction_summary', { transactions, completed, failed, in_progress }, [
      'count() AS transactions',
      ...['completed', 'failed', 'in_progress'].map((status) => `countIf(status = '${status}') AS ${status}`),
    ])),
    ...(await check(store, 'interface_minute', { transactions, completed, failed, in_progress }, [
      'sum(m.transactions) AS transactions',
      ...['completed', 'failed', 'in_progress'].map((status) => `sum(m.${status}) AS ${status}`),
    ])),
    ...(await check(store, 'dead_letter', { letters: 0 }, ['count() AS letters'])),
  ];
}

async function check(
  store: Store,
  table: string,
  wanted: Record<string, number>,
  columns: readonly string[],
): Promise<string[]> {
  const [found = {}] = await store.rows<Record<string, number>>(
    `SELECT ${columns.join(', ')} FROM tranweave.${table} AS m`,
  );
  return Object.keys(wanted)
    .filter((name) => found[name] !== wanted[name])
    .map((name) => `${table}: ${name} is ${found[name]} where ${wanted[name]} had to be`);
}

/** Batches of logs that were stored: each is a part for each of its days, and no merge has touched them. */
export async function batchesIn(store: Store): Promise<number> {
  const [row] = await store.rows<{ n: number }>(
    "SELECT max(n) AS n FROM (SELECT count() AS n FROM system.parts WHERE active AND database = 'tranweave' AND table = 'tracking_log' GROUP BY partition)",
  );
  return row?.n ?? 0;
}
