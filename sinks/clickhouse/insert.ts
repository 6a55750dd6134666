import { createHash, randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import type { ClickHouseClient } from '@clickhouse/client';
import { RetriableError } from '../../common/errors.ts';
import type { StreamKind } from '../../common/redis/keys.ts';
import { linesOf } from '../lines.ts';
import type { Lines } from '../lines.ts';
import type { RefusedRow, SinkBatch } from '../sink.ts';
import { ask } from './ask.ts';
import { isRowFailure, meaningOf } from './failure.ts';
import { FORMAT_OF } from './format.ts';
import { findRefused } from './refused-rows.ts';
import { completeParts } from './repeated.ts';
import { oneBlock, READING } from './settings.ts';
import type { Topology } from './topology.ts';

/** Batches into tables, as bytes: the lines in the streams are what ClickHouse reads. */

const TABLE_OF: Readonly<Record<StreamKind, string>> = {
  log: 'tracking_log',
  summary: 'transaction_summary_revision',
  dead_letter: 'dead_letter',
};

/** Stores a batch and names the rows that ClickHouse will never take, with its reasons. Throws what a failure means (errors.ts). */
export async function insertBatch(
  client: ClickHouseClient,
  database: string,
  batch: SinkBatch,
  topology: Topology,
  signal: AbortSignal,
): Promise<RefusedRow[]> {
  if (await insertWhole(client, database, batch, topology, signal)) return [];
  const table = tableOf(database, batch);
  const lines = linesOf(batch.chunks);
  try {
    const refused = await findRefused({ client, table, kind: batch.stream, lines, topology, signal });
    const rest = without(lines, refused);
    const token = `${batch.token}/without-${nameOf(refused)}`;
    if (rest.length > 0) await storeOnce(client, table, { ...batch, chunks: rest, token }, topology, signal);
    return refused;
  } catch (error) {
    // Refused again although every row of it was found good by itself.
    if (isRowFailure(error))
      throw new RetriableError('ClickHouse refuses a batch as a whole', { cause: error });
    throw meaningOf(error);
  }
}

/** Stores a batch, or nothing of it: false if ClickHouse will never take a row of it. */
export async function insertWhole(
  client: ClickHouseClient,
  database: string,
  batch: SinkBatch,
  topology: Topology,
  signal: AbortSignal,
): Promise<boolean> {
  try {
    await storeOnce(client, tableOf(database, batch), batch, topology, signal);
    return true;
  } catch (error) {
    if (isRowFailure(error)) return false;
    throw meaningOf(error);
  }
}

async function storeOnce(
  client: ClickHouseClient,
  table: string,
  { stream: kind, chunks, rows, token, repeated }: SinkBatch,
  topology: Topology,
  signal: AbortSignal,
): Promise<void> {
  const store = async (chunks: readonly Buffer[], token: string) => {
    await ask(client, {
      sql: `INSERT INTO ${table} ${FORMAT_OF[kind]}`,
      rows: Readable.from(chunks, { objectMode: false }),
      settings: {
        ...oneBlock(rows),
        ...READING,
        ...topology.insertSettings,
        insert_deduplication_token: token,
      },
      signal,
    });
  };
  if (!repeated || !topology.tokensOutliveParts) return store(chunks, token);
  // Of a key the newest revision counts, however often it comes: no token is needed where none can be relied on.
  if (kind === 'summary') return store(chunks, `${token}/${randomUUID()}`);
  await store(chunks, token);
  const complete = (missing: readonly Buffer[], suffix: string) => store(missing, `${token}/${suffix}`);
  await completeParts({ client, table, kind, chunks, store: complete, signal });
}

function tableOf(database: string, { stream }: SinkBatch): string {
  return `${database}.${TABLE_OF[stream]}`;
}

/** What is left, in as few pieces as there are. */
function without(lines: Lines, refused: readonly RefusedRow[]): Buffer[] {
  const pieces: Buffer[] = [];
  let from = 0;
  for (const { index } of refused) {
    if (index > from) pieces.push(lines.slice(from, index));
    from = index + 1;
  }
  if (from < lines.count) pieces.push(lines.slice(from, lines.count));
  return pieces;
}

/** The same for the same rows, so that a repetition which finds the same rows at fault stores the others once. */
function nameOf(refused: readonly RefusedRow[]): string {
  const indexes = refused.map(({ index }) => index).join();
  return createHash('sha1').update(indexes).digest('hex').slice(0, 16);
}
