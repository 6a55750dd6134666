import { Counter, Gauge } from 'prom-client';
import type { Registry } from '../../common/metrics.ts';

/** What insights count of themselves; declared once. */
export type InsightMetrics = ReturnType<typeof createInsightMetrics>;

export function createInsightMetrics(registry: Registry) {
  const labelNames = ['insight'] as const;
  const counter = (name: string, help: string) =>
    new Counter({ name, help, labelNames, registers: [registry] });
  const gauge = (name: string, help: string) => new Gauge({ name, help, labelNames, registers: [registry] });
  return {
    late: counter(
      'tranweave_insight_late_total',
      'Changes that came after their window was closed; they are in no number',
    ),
    leftOut: counter(
      'tranweave_insight_left_out_total',
      'Transactions that were not counted, since as many as bounds.transactions allows were remembered already',
    ),
    unusable: counter('tranweave_insight_unusable_total', 'Values of counted revisions that are no number'),
    published: counter(
      'tranweave_insight_published_rows_total',
      'Rows that were published, revisions of one row each by itself',
    ),
    closed: counter('tranweave_insight_closed_windows_total', 'Windows that were closed here'),
    open: gauge(
      'tranweave_insight_open_windows',
      'Windows that are open; told by the process that puts partitions together',
    ),
    pending: gauge(
      'tranweave_insight_pending_rows',
      'Rows that wait for the table; told by the process that puts partitions together',
    ),
  };
}
