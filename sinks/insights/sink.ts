import type { ClickHouseSinkConfig } from '../clickhouse/sink.ts';
import type { BatchConfig } from '../config.ts';
import { lazySink } from '../lazy-sink.ts';
import type { RedisSink } from '../redis-sink.ts';
import type { InsightConfig } from './config.ts';

/** Name of the insights' sink: no entry of `sinks:` may have it. */
export const INSIGHTS = 'insights';

/** Small enough that the script which writes a batch back holds up Redis for some milliseconds only. */
const BATCH: BatchConfig = { rows_max: 5_000, bytes_max: 4 * 1024 * 1024, delay_max: 200, writes_max: 4 };

const STREAMS = ['summary'] as const;

/**
 * Counts insights. Its code, and the driver of the table's store, are loaded when it is opened: every process reads a config that may have insights.
 *
 * @param store the ClickHouse sink whose database has the tables; undefined if there is none.
 */
export function insightsSink(
  insights: readonly InsightConfig[],
  store: ClickHouseSinkConfig | undefined,
): RedisSink {
  return {
    name: INSIGHTS,
    streams: STREAMS,
    batch: BATCH,
    create: (deps) =>
      lazySink(STREAMS, async () => (await import('./insights.ts')).createInsights(deps, insights, store)),
  };
}
