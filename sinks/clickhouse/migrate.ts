import { readdirSync, readFileSync } from 'node:fs';
import type { ClickHouseClient } from '@clickhouse/client';
import * as v from 'valibot';
import { trackingLogSchema } from '../../common/tracking-log.ts';

/**
 * The tables, by numbered migrations: migrations/NNN-title.sql, applied in their order at a sinks process' start. Each statement may run twice
 * (IF NOT EXISTS), so several processes that start together do no harm, and one that died half-way is repeated. A migration that was
 * released is never edited; what changes is a new one.
 */

const DIR = new URL('./migrations/', import.meta.url);

export interface Retention {
  /** Seconds. */
  log_retention: number;
  summary_retention: number;
  dead_letter_retention: number;
}

export async function migrate(
  client: ClickHouseClient,
  database: string,
  retention: Retention,
  signal: AbortSignal,
): Promise<void> {
  const run = (query: string) => client.command({ query, abort_signal: signal });
  await run(`CREATE DATABASE IF NOT EXISTS ${database}`);
  await run(
    `CREATE TABLE IF NOT EXISTS ${database}.schema_migration (version UInt32, title String, applied_at DateTime64(3, 'UTC') DEFAULT now64(3))
     ENGINE = ReplacingMergeTree ORDER BY version COMMENT 'Migrations of Tranweave that were applied'`,
  );
  const applied = await appliedVersions(client, database, signal);
  for (const { version, title, sql } of migrations()) {
    if (applied.has(version)) continue;
    for (const statement of statementsOf(fillIn(sql, database, retention))) await run(statement);
    await run(`INSERT INTO ${database}.schema_migration (version, title) VALUES (${version}, '${title}')`);
  }
  await applyRetention(client, database, retention, signal);
}

async function appliedVersions(
  client: ClickHouseClient,
  database: string,
  signal: AbortSignal,
): Promise<Set<number>> {
  const result = await client.query({
    query: `SELECT DISTINCT version FROM ${database}.schema_migration`,
    format: 'JSONEachRow',
    abort_signal: signal,
  });
  return new Set((await result.json<{ version: number }>()).map((row) => row.version));
}

export function migrations(): { version: number; title: string; sql: string }[] {
  return readdirSync(DIR)
    .sort()
    .flatMap((file) => {
      const m = /^(\d{3})-([a-z-]+)\.sql$/.exec(file);
      return m === null
        ? []
        : [{ version: Number(m[1]), title: m[2] ?? '', sql: readFileSync(new URL(file, DIR), 'utf8') }];
    });
}

/** `{name}` → the database, a retention in seconds, or the description of a field of the standard log as a quoted text. */
function fillIn(sql: string, database: string, retention: Retention): string {
  return sql.replaceAll(/\{(\w+)\}/g, (_whole, name: string) => {
    if (name === 'database') return database;
    if (name in retention) return String(retention[name as keyof Retention]);
    const field = trackingLogSchema.entries[name as keyof typeof trackingLogSchema.entries];
    if (field === undefined) throw new TypeError(`a migration names {${name}}, which is not known`);
    return `'${(v.getDescription(field) ?? '').replaceAll("'", "''")}'`;
  });
}

/** Statements end with a semicolon at the end of a line; whole-line comments are left out. */
function statementsOf(sql: string): string[] {
  return sql
    .replaceAll(/^--.*$/gm, '')
    .split(/;\s*$/m)
    .map((statement) => statement.trim())
    .filter((statement) => statement !== '');
}

const RETENTION_OF = {
  tracking_log: { field: 'ingest_time', setting: 'log_retention' },
  transaction_summary_revision: { field: 'created_at', setting: 'summary_retention' },
  dead_letter: { field: 'ingest_time', setting: 'dead_letter_retention' },
} as const;

/** A retention that was changed in the config takes effect at the next start; parts are dropped as they expire. */
async function applyRetention(
  client: ClickHouseClient,
  database: string,
  retention: Retention,
  signal: AbortSignal,
): Promise<void> {
  const result = await client.query({
    query: 'SELECT name, create_table_query AS ddl FROM system.tables WHERE database = {database:String}',
    query_params: { database },
    format: 'JSONEachRow',
    abort_signal: signal,
  });
  const tables = new Map(
    (await result.json<{ name: string; ddl: string }>()).map(({ name, ddl }) => [name, ddl]),
  );
  for (const [table, { field, setting }] of Object.entries(RETENTION_OF)) {
    const seconds = retention[setting];
    if (tables.get(table)?.includes(`toIntervalSecond(${seconds})`) === true) continue;
    await client.command({
      query: `ALTER TABLE ${database}.${table} MODIFY TTL toDateTime(${field}) + toIntervalSecond(${seconds})`,
      abort_signal: signal,
      // Rewriting every part now would be a great deal of work for what merges do anyway.
      clickhouse_settings: { materialize_ttl_after_modify: 0 },
    });
  }
}
