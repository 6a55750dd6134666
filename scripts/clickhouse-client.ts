import { ClickHouseLogLevel, createClient } from '@clickhouse/client';
import type { ClickHouseClient } from '@clickhouse/client';
import type { TranweaveConfig } from './tranweave-config.ts';

const REQUEST_MS_MAX = 5_000;

/** A client for the config's ClickHouse sink; undefined if it has none. The caller closes it. */
export function clickHouseClient(config: TranweaveConfig): ClickHouseClient | undefined {
  const sink = config.sinks.find((candidate) => candidate.type === 'clickhouse');
  if (sink === undefined) return undefined;
  return createClient({
    url: sink.url,
    database: sink.database,
    request_timeout: REQUEST_MS_MAX,
    // Whoever asks tells what went wrong, in words.
    log: { level: ClickHouseLogLevel.OFF },
    ...(sink.username === undefined ? {} : { username: sink.username }),
    ...(sink.password === undefined ? {} : { password: sink.password }),
  });
}
