import type { SummaryHistoryConfig } from '../processor/summary-history.ts';
import type { TranweaveConfig } from './tranweave-config.ts';

/**
 * What processors leave of the summary streams for the API; undefined without an API. Half of what a summary stream may hold at most, so that
 * the other half is left to sinks that fall behind.
 */
export function historyOf({ api, processor, collector }: TranweaveConfig): SummaryHistoryConfig | undefined {
  if (api === undefined) return undefined;
  return {
    ms: api.stream_history,
    entriesMax: Math.min(api.stream_history_entries_max, Math.floor(processor.summary_entries_max / 2)),
    bytesMax: api.stream_history_bytes_max,
    memoryPercentMax: collector.redis_memory_percent_max,
  };
}
