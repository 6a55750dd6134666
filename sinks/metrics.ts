import { Counter, Histogram } from 'prom-client';
import type { Registry } from 'prom-client';

/** What a sinks process counts; declared once, names and units as Prometheus asks. */
export type SinkMetrics = ReturnType<typeof createSinkMetrics>;

export function createSinkMetrics(registry: Registry) {
  const labelNames = ['sink', 'stream'] as const;
  const counter = (name: string, help: string) =>
    new Counter({ name, help, labelNames, registers: [registry] });
  return {
    rows: counter('tranweave_sink_rows_total', 'Rows that a store took'),
    refused: counter(
      'tranweave_sink_refused_rows_total',
      'Rows that a store refused for ever; they are dead letters',
    ),
    retries: counter('tranweave_sink_retries_total', 'Writes that failed and were repeated'),
    lost: counter(
      'tranweave_sink_lost_entries_total',
      'Entries that were gone before they were stored; anything but 0 is a loss',
    ),
    writeSeconds: new Histogram({
      name: 'tranweave_sink_write_seconds',
      help: 'How long a store took for a batch',
      labelNames,
      buckets: [0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30],
      registers: [registry],
    }),
  };
}
