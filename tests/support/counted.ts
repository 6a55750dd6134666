import type { Ledger } from '../../scripts/generate/generator.ts';
import type { Landscape } from './landscape.ts';

/** What both tables hold, in the ledger's words; rows that came twice are counted once. */
export async function counted({ rows }: Pick<Landscape, 'rows'>): Promise<Omit<Ledger, 'lines'>> {
  const [logs] = await rows<{ logs: number; record_count: number }>(
    'SELECT count() AS logs, sum(record_count) AS record_count FROM tranweave.tracking_log FINAL',
  );
  const [transactions] = await rows<Omit<Ledger, 'lines' | 'logs' | 'record_count'>>(
    `SELECT count() AS transactions, countIf(status = 'completed') AS completed, countIf(status = 'failed') AS failed,
            countIf(status = 'in_progress') AS in_progress
     FROM tranweave.transaction_summary`,
  );
  return { ...logs!, ...transactions! };
}
