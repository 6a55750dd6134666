import type { ClickHouseClient } from '@clickhouse/client';
import { ask } from '../clickhouse/ask.ts';
import type { Topology } from '../clickhouse/topology.ts';
import type { Definition, Measure } from './definition.ts';
import type { Generation } from './lane-keys.ts';

/**
 * The tables of insights in the ClickHouse sink's database. Each generation has a table of its own, whose columns are its groups and measures; the view
 * insight_NAME shows the newest rows of the one that is in force. insight_window tells of all windows of all insights.
 */

/** As long as the rows of the longest table, by default. */
const WINDOW_RETENTION_DAYS = 400;

export function tableOf(database: string, { definition, generation }: Generation): string {
  return `${database}.insight_${definition.name}_${generation}`;
}

export function windowTableOf(database: string): string {
  return `${database}.insight_window`;
}

/** Makes the database, tables and views that are missing, and puts the view on this generation's table. */
export async function createTables(
  client: ClickHouseClient,
  database: string,
  topology: Topology,
  generation: Generation,
  signal: AbortSignal,
): Promise<void> {
  const { onCluster } = topology;
  const { definition } = generation;
  const table = tableOf(database, generation);
  const statements = [
    `CREATE DATABASE IF NOT EXISTS ${database}${onCluster}`,
    windowTable(database, topology),
    `CREATE TABLE IF NOT EXISTS ${table}${onCluster} (
${columnsOf(definition).join(',\n')}
)
ENGINE = ${engine(topology, database, table.slice(database.length + 1))}
PARTITION BY toYYYYMM(window_start)
ORDER BY (${['window_start', ...definition.groups.map(({ column }) => column)].join(', ')})
TTL toDateTime(updated_at) + toIntervalSecond(${Math.ceil(definition.outputs.table_retention / 1000)})
COMMENT 'Revisions of the rows of insight ${definition.name} until merges leave the newest; ask insight_${definition.name} instead'`,
    `CREATE OR REPLACE VIEW ${database}.insight_${definition.name}${onCluster} AS
SELECT * FROM ${table} FINAL WHERE transactions > 0
COMMENT 'Insight ${definition.name}: one row for each window and group'`,
  ];
  for (const sql of statements) await ask(client, { sql, signal });
}

function columnsOf({ groups, measures, zone }: Definition): string[] {
  const time = `DateTime('${zoneForClickHouse(zone.name)}')`;
  return [
    `window_start ${time} COMMENT 'First moment of the window'`,
    `window_end ${time} COMMENT 'First moment after it'`,
    ...groups.map(({ column, few }) => `${column} ${few ? 'LowCardinality(String)' : 'String'}`),
    `transactions UInt64 COMMENT 'How many transactions are counted here'`,
    ...measures.map((measure) => `${measure.column} ${typeOf(measure)}`),
    `unusable Map(LowCardinality(String), UInt64) COMMENT 'Measure → how many of the transactions have a value that is no number'`,
    `over_bound Map(LowCardinality(String), UInt64) COMMENT 'Measure → how many have a value that was one too many to be kept'`,
    `state LowCardinality(String) COMMENT 'open while the numbers may change, then final'`,
    `revision UInt64 COMMENT 'The greatest is the truth'`,
    `updated_at DateTime64(6, 'UTC') COMMENT 'When this revision was published'`,
  ];
}

function typeOf({ kind, scale }: Measure): string {
  if (kind === 'count' || kind === 'distinct') return 'UInt64';
  return kind === 'sum' ? `Decimal(38, ${scale})` : `Nullable(Decimal(38, ${scale}))`;
}

/** An offset is no name of a zone there. */
function zoneForClickHouse(name: string): string {
  return /^[+-]/.test(name) ? `Fixed/UTC${name}:00` : name;
}

function windowTable(database: string, topology: Topology): string {
  return `CREATE TABLE IF NOT EXISTS ${windowTableOf(database)}${topology.onCluster} (
insight LowCardinality(String) COMMENT 'Name of the insight',
generation LowCardinality(String) COMMENT 'Of its definition; another one begins anew',
window_start DateTime('UTC') COMMENT 'First moment of the window',
window_end DateTime('UTC') COMMENT 'First moment after it',
state LowCardinality(String) COMMENT 'open while the numbers may change, then final',
groups UInt64 COMMENT 'How many groups it has',
transactions UInt64 COMMENT 'How many transactions are counted in it',
late UInt64 COMMENT 'Changes that came after it was closed, and are in no number',
left_out UInt64 COMMENT 'Transactions that were not counted, since too many were remembered',
counted_since DateTime64(6, 'UTC') COMMENT 'When this definition began to be counted',
revision UInt64 COMMENT 'The greatest is the truth',
updated_at DateTime64(6, 'UTC') COMMENT 'When this revision was published'
)
ENGINE = ${engine(topology, database, 'insight_window')}
ORDER BY (insight, generation, window_start)
TTL toDateTime(updated_at) + toIntervalDay(${WINDOW_RETENTION_DAYS})
COMMENT 'Windows of all insights; SELECT … FINAL shows the newest of each'`;
}

function engine(topology: Topology, database: string, table: string): string {
  const name = topology.engineEverywhere(database, table);
  return name.endsWith(')') ? `${name.slice(0, -1)}, revision)` : `${name}(revision)`;
}
