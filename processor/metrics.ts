import { Counter, Gauge } from 'prom-client';
import type { Registry } from 'prom-client';

/** What a processor counts; declared once, names and units as Prometheus asks. */
export type ProcessorMetrics = ReturnType<typeof createProcessorMetrics>;

export function createProcessorMetrics(registry: Registry) {
  const counter = (name: string, help: string) => new Counter({ name, help, registers: [registry] });
  const gauge = <Label extends string>(name: string, help: string, labelNames: readonly Label[]) =>
    new Gauge<Label>({ name, help, labelNames, registers: [registry] });
  return {
    entries: counter('tranweave_processor_entries_total', 'Entries of the log streams that were merged'),
    logs: counter('tranweave_processor_logs_total', 'Tracking logs that were merged'),
    revisions: counter('tranweave_processor_revisions_total', 'Changed summaries that were published'),
    timedOut: counter('tranweave_processor_timed_out_total', 'Transactions whose deadline passed'),
    undecodable: counter(
      'tranweave_processor_undecodable_entries_total',
      'Entries of the log streams that are none of ours; they are dead letters',
    ),
    lost: counter(
      'tranweave_processor_lost_entries_total',
      'Entries that were gone before they were read, at least; anything but 0 is a loss',
    ),
    /** Of the partitions that this process holds. */
    streamEntries: gauge('tranweave_stream_entries', 'Entries (batches) in a stream', [
      'partition',
      'stream',
    ]),
    groupLag: gauge('tranweave_group_lag_entries', 'Entries that a group has not taken yet', [
      'partition',
      'stream',
      'group',
    ]),
    groupBehind: gauge(
      'tranweave_group_behind_seconds',
      'How long ago the oldest entry was appended that a group has not taken; 0 if it has them all',
      ['partition', 'stream', 'group'],
    ),
    held: gauge('tranweave_processor_partitions', 'Partitions that this process works on', []),
    stopped: gauge(
      'tranweave_processor_stopped_partitions',
      'Partitions held here that are not worked on, since Redis holds something that is not ours under their keys',
      [],
    ),
  };
}
