import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import type { ClickHouseClient, ClickHouseSettings } from '@clickhouse/client';
import type { StreamKind } from '../../common/redis/keys.ts';
import type { RefusedRow, SinkBatch } from '../sink.ts';
import { isRowFailure, meaningOf, reasonOf } from './failure.ts';

/** Batches into tables, as bytes: the lines in the streams are what ClickHouse reads. */

const TABLE_OF: Readonly<Record<StreamKind, string>> = {
  log: 'tracking_log',
  summary: 'transaction_summary_revision',
  dead_letter: 'dead_letter',
};

/** One block per insert as long as a batch has no more rows than this, so that a token stands for all of it. */
const BLOCK_ROWS_MAX = 1_048_576;

const INSERT_SETTINGS: ClickHouseSettings = {
  insert_deduplicate: 1,
  // On by default since 26.3; it would cut batches anew, and tokens would not hold.
  async_insert: 0,
  deduplicate_blocks_in_dependent_materialized_views: 1,
  // Parallel parsing makes blocks as threads happen to finish.
  input_format_parallel_parsing: 0,
  max_insert_block_size: String(BLOCK_ROWS_MAX),
  min_insert_block_size_rows: String(BLOCK_ROWS_MAX),
  min_insert_block_size_bytes: '1073741824',
  date_time_input_format: 'best_effort',
  // A field that a newer collector writes must not vanish: the row becomes a dead letter, which tells to update the sinks first.
  input_format_skip_unknown_fields: 0,
  // A daily file of a year's logs is one batch of many days; the default of 100 partitions would refuse it.
  max_partitions_per_insert_block: '0',
  throw_on_max_partitions_per_insert_block: '0',
  wait_end_of_query: 1,
};

/** Stores a batch and names the rows that ClickHouse will never take, with its reasons. Throws what a failure means (errors.ts). */
export async function insertBatch(
  client: ClickHouseClient,
  database: string,
  batch: SinkBatch,
  signal: AbortSignal,
): Promise<RefusedRow[]> {
  const table = `${database}.${TABLE_OF[batch.stream]}`;
  const insert = (chunks: readonly Buffer[], token: string) =>
    insertChunks(client, table, chunks, token, signal);
  try {
    await insert(batch.chunks, batch.token);
    return [];
  } catch (error) {
    if (!isRowFailure(error)) throw meaningOf(error);
  }
  // Without the newline of the last line, which split would make an empty line of.
  const lines = Buffer.concat(batch.chunks).toString().trimEnd().split('\n');
  return bisect(lines, 0, batch.token, insert);
}

/**
 * Halves what was refused until the rows are found that are to blame. Which rows are together and under which token depends on nothing but the
 * batch, so a repetition of the batch repeats the very same inserts.
 */
async function bisect(
  lines: readonly string[],
  from: number,
  token: string,
  insert: (chunks: readonly Buffer[], token: string) => Promise<void>,
): Promise<RefusedRow[]> {
  const middle = Math.ceil(lines.length / 2);
  const refused: RefusedRow[] = [];
  for (const [at, half] of [
    [from, lines.slice(0, middle)],
    [from + middle, lines.slice(middle)],
  ] as const) {
    if (half.length === 0) continue;
    try {
      await insert([Buffer.from(`${half.join('\n')}\n`)], `${token}/${at}+${half.length}`);
    } catch (error) {
      if (!isRowFailure(error)) throw meaningOf(error);
      if (half.length === 1) refused.push({ index: at, reason: reasonOf(error) });
      else refused.push(...(await bisect(half, at, token, insert)));
    }
  }
  return refused;
}

async function insertChunks(
  client: ClickHouseClient,
  table: string,
  chunks: readonly Buffer[],
  token: string,
  signal: AbortSignal,
): Promise<void> {
  const { stream } = await client.exec({
    query: `INSERT INTO ${table} FORMAT JSONEachRow`,
    values: Readable.from(chunks, { objectMode: false }),
    abort_signal: signal,
    clickhouse_settings: { ...INSERT_SETTINGS, insert_deduplication_token: token },
  });
  // The answer is empty; reading it to its end tells that the insert has ended, and frees the connection.
  await text(stream);
}
