import { Counter } from 'prom-client';
import type { Registry } from 'prom-client';

/** What a processor counts; declared once, names and units as Prometheus asks. */
export type ProcessorMetrics = ReturnType<typeof createProcessorMetrics>;

export function createProcessorMetrics(registry: Registry) {
  const counter = (name: string, help: string) => new Counter({ name, help, registers: [registry] });
  return {
    entries: counter('tranweave_processor_entries_total', 'Entries of the log streams that were merged'),
    logs: counter('tranweave_processor_logs_total', 'Tracking logs that were merged'),
    revisions: counter('tranweave_processor_revisions_total', 'Changed summaries that were published'),
    timedOut: counter('tranweave_processor_timed_out_total', 'Transactions whose deadline passed'),
    lost: counter(
      'tranweave_processor_lost_entries_total',
      'Entries that were gone before they were read; anything but 0 is a loss',
    ),
  };
}
