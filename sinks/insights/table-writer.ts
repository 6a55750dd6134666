import { Readable } from 'node:stream';
import type { ClickHouseClient } from '@clickhouse/client';
import type { Clock } from '../../common/clock.ts';
import { describeError, RetriableError } from '../../common/errors.ts';
import type { Logger } from '../../common/logger.ts';
import { reply } from '../../common/redis/redis-error.ts';
import type { RedisClient } from '../../common/redis/connection.ts';
import type { Keys } from '../../common/redis/keys.ts';
import { backoffMs } from '../../common/retry.ts';
import { ask } from '../clickhouse/ask.ts';
import { meaningOf } from '../clickhouse/failure.ts';
import { clientOf, topologyOf } from '../clickhouse/store.ts';
import type { ClickHouseSinkConfig } from '../clickhouse/sink.ts';
import type { Topology } from '../clickhouse/topology.ts';
import type { Definitions } from './definitions.ts';
import { forget, scanHash } from './dirty.ts';
import type { Generation } from './lane-keys.ts';
import type { InsightMetrics } from './metrics.ts';
import { createTables, tableOf, windowTableOf } from './table.ts';

/** The ClickHouse sink's server, as insights use it. */
export interface TableStore {
  client: ClickHouseClient;
  database: string;
  topology: Topology;
}

/** @param sink whose database it is. */
export function tableStoreOf(sink: ClickHouseSinkConfig): TableStore {
  return { client: clientOf(sink), database: sink.database, topology: topologyOf(sink) };
}

export interface TableWriterDeps {
  redis: RedisClient;
  keys: Keys;
  definitions: Definitions;
  store: TableStore;
  clock: Clock;
  logger: Logger;
  metrics: InsightMetrics;
  /** Called with what keeps rows from being stored, in words, and with undefined once they are. */
  onTrouble: (words: string | undefined) => void;
}

const WRITE_MS = 1_000;
const RETRY = { delayMsMin: 500, delayMsMax: 10_000 };

/**
 * Stores rows that wait, until the signal aborts. Of a row only its newest revision waits, so however long ClickHouse is away, no more waits than there are
 * rows. A row that is stored twice is the same row; one that has changed since it was read waits on.
 *
 * Runs beside the combining, which a ClickHouse that is away does not delay. Rejects with what no waiting mends.
 */
export async function writeTables(deps: TableWriterDeps, signal: AbortSignal): Promise<void> {
  const { clock, logger, definitions, onTrouble } = deps;
  const made = new Set<string>();
  let failures = 0;
  while (!signal.aborted) {
    try {
      for (const generation of definitions.current())
        if (generation.definition.outputs.table) await writeRows(deps, generation, made, signal);
      if (failures > 0) onTrouble(undefined);
      failures = 0;
    } catch (error) {
      if (signal.aborted) return;
      const meaning = meaningOf(error);
      if (!(meaning instanceof RetriableError)) throw meaning;
      failures += 1;
      onTrouble(`the table: ${describeError(meaning)}`);
      if (failures === 1)
        logger.warn({ error: describeError(meaning) }, 'rows of insights are not stored yet');
    }
    const pauseMs = failures === 0 ? WRITE_MS : backoffMs(failures, RETRY, Math.random());
    await clock.sleep(pauseMs, signal);
  }
}

async function writeRows(
  deps: TableWriterDeps,
  generation: Generation,
  made: Set<string>,
  signal: AbortSignal,
): Promise<void> {
  const { redis, keys, store, metrics } = deps;
  const { client, database, topology } = store;
  const { name } = generation.definition;
  const key = keys.insightPending(name, generation.generation);
  const table = tableOf(database, generation);
  if (!made.has(table)) {
    await createTables(client, database, topology, generation, signal);
    made.add(table);
  }
  for await (const page of scanHash(redis, key)) {
    const rows = page.filter(([field]) => field.includes('\t'));
    const windows = page.filter(([field]) => !field.includes('\t'));
    await insert(store, table, rows, signal);
    await insert(store, windowTableOf(database), windows, signal);
    await forget(redis, key, page);
    if (signal.aborted) return;
  }
  metrics.pending.set({ insight: name }, await reply(redis.hlen(key), key));
}

async function insert(
  { client, topology }: TableStore,
  table: string,
  rows: readonly (readonly [string, string])[],
  signal: AbortSignal,
): Promise<void> {
  if (rows.length === 0) return;
  await ask(client, {
    sql: `INSERT INTO ${table} FORMAT JSONEachRow`,
    rows: Readable.from([Buffer.from(rows.map(([, json]) => `${json}\n`).join(''))], { objectMode: false }),
    settings: {
      ...topology.insertSettings,
      async_insert: 0,
      date_time_input_format: 'best_effort',
      max_partitions_per_insert_block: '0',
    },
    signal,
  });
}
