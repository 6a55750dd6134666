import { Counter, Gauge, Histogram } from 'prom-client';
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
    undecodable: counter(
      'tranweave_sink_undecodable_entries_total',
      'Stream entries that are none of ours; they are dead letters, but for those of the dead-letter streams, which are left out',
    ),
    lost: counter(
      'tranweave_sink_lost_entries_total',
      'Entries that were gone before they were stored, at least; anything but 0 is a loss',
    ),
    stopped: new Gauge({
      name: 'tranweave_sink_stopped_partitions',
      help: 'Partitions held here that are not carried, since Redis holds something that is not ours under their keys',
      labelNames: ['sink'] as const,
      registers: [registry],
    }),
    writeSeconds: new Histogram({
      name: 'tranweave_sink_write_seconds',
      help: 'How long a store took for a batch',
      labelNames,
      buckets: [0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30],
      registers: [registry],
    }),
  };
}
