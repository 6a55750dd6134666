import type { ClickHouseClient } from '@clickhouse/client';
import { ask, askRows } from './ask.ts';
import type { Topology } from './topology.ts';

/** How long rows of each table are kept, in seconds. */
export interface Retention {
  log_retention: number;
  summary_retention: number;
  dead_letter_retention: number;
}

/**
 * From when on they are kept so long: from when they came, or changed, and never by the nodes' own times, or an old file that is
 * collected late would be dropped as soon as it is stored.
 */
const RETENTION_OF = {
  tracking_log: { since: 'ingest_time', setting: 'log_retention' },
  transaction_summary_revision: { since: 'updated_at', setting: 'summary_retention' },
  transaction_brief_revision: { since: 'updated_at', setting: 'summary_retention' },
  dead_letter: { since: 'ingest_time', setting: 'dead_letter_retention' },
} as const satisfies Record<string, { since: string; setting: keyof Retention }>;

/** A retention that was changed in the config takes effect at the next start; parts are dropped once all of their rows have expired. */
export async function applyRetention(
  client: ClickHouseClient,
  database: string,
  retention: Retention,
  topology: Topology,
  signal: AbortSignal,
): Promise<void> {
  const tables = await askRows<{ name: string; ddl: string }>(client, {
    sql: 'SELECT name, create_table_query AS ddl FROM system.tables WHERE database = {database:String}',
    params: { database },
    signal,
  });
  const ddlOf = new Map(tables.map(({ name, ddl }) => [name, ddl]));
  for (const [name, { since, setting }] of Object.entries(RETENTION_OF)) {
    const table = topology.local(name);
    const ttl = `toDateTime(${since}) + toIntervalSecond(${retention[setting]})`;
    if (ddlOf.get(table)?.includes(ttl) === true) continue;
    await ask(client, {
      sql: `ALTER TABLE ${database}.${table}${topology.onCluster} MODIFY TTL ${ttl}`,
      // Rewriting every part now would be a great deal of work for what merges do anyway.
      settings: { materialize_ttl_after_modify: 0 },
      signal,
    });
  }
}
