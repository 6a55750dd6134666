import { Counter, Gauge } from 'prom-client';
import type { Registry } from 'prom-client';

/** What a collector counts; declared once, names and units as Prometheus asks. */
export type CollectorMetrics = ReturnType<typeof createCollectorMetrics>;

export function createCollectorMetrics(registry: Registry) {
  const labelNames = ['input'] as const;
  const counter = (name: string, help: string) =>
    new Counter({ name, help, labelNames, registers: [registry] });
  return {
    logs: counter('tranweave_collector_logs_total', 'Standard logs that Redis has taken'),
    deadLetters: counter(
      'tranweave_collector_dead_letters_total',
      'Records that could not become a standard log and were kept as dead letters',
    ),
    skipped: counter('tranweave_collector_skipped_records_total', 'Records that a filter left out'),
    rejected: counter(
      'tranweave_collector_rejected_records_total',
      'Records that were refused to their sender, who was told why',
    ),
    bytes: counter('tranweave_collector_bytes_total', 'Bytes that were read from sources'),
    backPressure: counter(
      'tranweave_collector_back_pressure_total',
      'Times that an input had to wait, or told its sender to, because Redis could not take more',
    ),
    /** Bytes of known files that are not collected yet, per input. */
    behindBytes: new Gauge({
      name: 'tranweave_collector_behind_bytes',
      help: 'Bytes of followed files that are not collected yet',
      labelNames,
      registers: [registry],
    }),
  };
}
