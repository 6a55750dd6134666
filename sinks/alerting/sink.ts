import type { FlowsConfig } from '../../common/flow.ts';
import type { BatchConfig } from '../config.ts';
import { lazySink } from '../lazy-sink.ts';
import type { RedisSink } from '../redis-sink.ts';
import { ALERTS_SINK } from './config.ts';
import type { AlertsConfig } from './config.ts';

const STREAMS = ['summary', 'dead_letter'] as const;
/** What is counted waits little, since somebody waits for it; more rows would be more fields in one script. */
const BATCH: BatchConfig = { rows_max: 5000, bytes_max: 8 * 1024 * 1024, delay_max: 250, writes_max: 4 };

/**
 * Alerts: a sink that counts, and tells people (alerts.ts). None if there is nothing to tell. Its code is loaded when it is opened: every process reads a
 * config that may have alerts.
 */
export function alertsSink(config: AlertsConfig, flows: FlowsConfig): RedisSink[] {
  if (config.rules.length === 0) return [];
  return [
    {
      name: ALERTS_SINK,
      streams: STREAMS,
      batch: BATCH,
      create: (deps) =>
        lazySink(STREAMS, async () => (await import('./alerts.ts')).createAlerts(config, flows, deps)),
    },
  ];
}
