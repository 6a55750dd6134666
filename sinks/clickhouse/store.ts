import { ClickHouseLogLevel, createClient } from '@clickhouse/client';
import type { ClickHouseClient } from '@clickhouse/client';
import type { Store } from '../lazy-sink.ts';
import { clusterTopology } from './cluster.ts';
import { meaningOf } from './failure.ts';
import { insertBatch, insertWhole } from './insert.ts';
import { inspectorOf } from './inspect.ts';
import { migrate } from './migrate.ts';
import type { Retention } from './retention.ts';
import type { ClickHouseSinkConfig } from './sink.ts';
import { singleServer } from './topology.ts';
import type { Topology } from './topology.ts';

/** What is behind the sink's config; loaded when it is used. */
export function createClickHouseStore(settings: ClickHouseSinkConfig): Store {
  const client = clientOf(settings);
  const topology = topologyOf(settings);
  return {
    open: async (signal) => {
      try {
        const parameters = { database: settings.database, ...retentionsOf(settings) };
        await migrate(client, parameters, topology, signal);
      } catch (error) {
        throw meaningOf(error);
      }
    },
    write: async (batch, signal) => ({
      refused: await insertBatch(client, settings.database, batch, topology, signal),
    }),
    writeJoint: (batch, signal) => insertWhole(client, settings.database, batch, topology, signal),
    close: () => client.close(),
    inspector: inspectorOf(client, settings.database),
  };
}

/** The caller closes it. */
export function clientOf(settings: ClickHouseSinkConfig): ClickHouseClient {
  return createClient({
    url: settings.url,
    request_timeout: settings.request_timeout,
    compression: { request: settings.compression, response: false },
    // Writes at a time are bounded by the worker; a bound here would make them wait within their time limit.
    max_open_connections: settings.batch.writes_max + 1,
    // Shorter than a server's own (3 s in old ones): else it closes a connection just as it is used.
    keep_alive: { enabled: true, idle_socket_ttl: 2000 },
    // Failures are told by the worker, once and with their cause.
    log: { level: ClickHouseLogLevel.OFF },
    ...(settings.username === undefined ? {} : { username: settings.username }),
    ...(settings.password === undefined ? {} : { password: settings.password }),
  });
}

export function topologyOf({ cluster, request_timeout }: ClickHouseSinkConfig): Topology {
  return cluster === undefined ? singleServer : clusterTopology(cluster, request_timeout);
}

function retentionsOf(settings: ClickHouseSinkConfig): Retention {
  return {
    log_retention: Math.ceil(settings.retention / 1000),
    summary_retention: Math.ceil(settings.summary_retention / 1000),
    dead_letter_retention: Math.ceil(settings.dead_letter_retention / 1000),
  };
}
