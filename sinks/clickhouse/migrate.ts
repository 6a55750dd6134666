import type { ClickHouseClient } from '@clickhouse/client';
import { migrationsIn, statementsOf } from '../migration-files.ts';
import { ask, askRows } from './ask.ts';
import type { Question } from './ask.ts';
import { ClickHouseFailure } from './failure.ts';
import { applyRetention } from './retention.ts';
import type { Retention } from './retention.ts';
import type { Topology } from './topology.ts';

/**
 * The tables, by numbered migrations: migrations/NNN-title.sql, applied in their order at a sinks process' start. Each statement may run twice
 * (IF NOT EXISTS), so several processes that start together do no harm, and one that died half-way is repeated.
 */
const DIR = new URL('./migrations/', import.meta.url);

/** What `{name}` in a migration stands for: the database, and retentions in seconds. */
export type Parameters = Retention & { database: string };

export async function migrate(
  client: ClickHouseClient,
  parameters: Parameters,
  topology: Topology,
  signal: AbortSignal,
): Promise<void> {
  const { database } = parameters;
  const { onCluster } = topology;
  const table = `${database}.schema_migrations`;
  const run = (sql: string) => runOnce(client, { sql, signal });
  // Asked first: whoever may not make databases may still work in one that was made for it. One server does not answer for others.
  const [found] = await askRows<{ result: number }>(client, { sql: `EXISTS DATABASE ${database}`, signal });
  if (found?.result !== 1 || onCluster !== '')
    await run(`CREATE DATABASE IF NOT EXISTS ${database}${onCluster}`);
  await run(
    `CREATE TABLE IF NOT EXISTS ${table}${onCluster} (version UInt32, title String, applied_at DateTime64(3, 'UTC') DEFAULT now64(3))
     ENGINE = ${topology.engineEverywhere(database, 'schema_migrations')} ORDER BY version COMMENT 'Migrations of Tranweave that were applied'`,
  );
  const rows = await askRows<{ version: number }>(client, { sql: `SELECT version FROM ${table}`, signal });
  const applied = new Set(rows.map((row) => row.version));
  const there = await tablesOf(client, database, signal);
  let isGone = false;
  for (const { version, title, sql } of migrations()) {
    // A table that somebody dropped is made again, and with it whatever came after.
    isGone ||= !madeBy(sql).every((name) => there.has(name));
    if (applied.has(version) && !isGone) continue;
    for (const statement of statementsOf(sql, { ...parameters })) {
      for (const each of topology.spread(statement)) await run(each);
    }
    if (applied.has(version)) continue;
    await ask(client, {
      sql: `INSERT INTO ${table} (version, title) VALUES (${version}, '${title}')`,
      settings: { async_insert: 0 },
      signal,
    });
  }
  await applyRetention(client, database, parameters, topology, signal);
}

async function tablesOf(
  client: ClickHouseClient,
  database: string,
  signal: AbortSignal,
): Promise<Set<string>> {
  const sql = `SELECT name FROM system.tables WHERE database = '${database}'`;
  return new Set((await askRows<{ name: string }>(client, { sql, signal })).map(({ name }) => name));
}

/** The tables of a migration. Views are left to whoever drops them: no insert needs one. */
function madeBy(sql: string): string[] {
  return [...sql.matchAll(/^CREATE TABLE IF NOT EXISTS \{database\}\.(\w+)/gm)].map(([, name = '']) => name);
}

/** TABLE_ALREADY_EXISTS, DATABASE_ALREADY_EXISTS: of two that start together, the second may be told so in spite of IF NOT EXISTS. */
const ALREADY_THERE: ReadonlySet<number> = new Set([57, 82]);

async function runOnce(client: ClickHouseClient, question: Question): Promise<void> {
  try {
    await ask(client, question);
  } catch (error) {
    if (!(error instanceof ClickHouseFailure && ALREADY_THERE.has(error.code))) throw error;
  }
}

/** All of them, in their order. */
export const migrations = () => migrationsIn(DIR);
