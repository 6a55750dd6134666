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
  const table = `${database}.${TABLE_OF[batch.stream]}`;
  const store = (chunks: readonly Buffer[], token: string) =>
    ask(client, {
      sql: `INSERT INTO ${table} ${FORMAT_OF[batch.stream]}`,
      rows: Readable.from(chunks, { objectMode: false }),
      settings: {
        ...oneBlock(batch.rows),
        ...READING,
        ...topology.insertSettings,
        insert_deduplication_token: token,
      },
      signal,
    });
  const storeOnce = async (chunks: readonly Buffer[], token: string) => {
    const { stream: kind } = batch;
    if (!batch.repeated || !topology.tokensOutliveParts) return store(chunks, token);
    // Of a key the newest revision counts, however often it comes: no token is needed where none can be relied on.
    if (kind === 'summary') return store(chunks, `${token}/${randomUUID()}`);
    const answer = await store(chunks, token);
    const complete = (missing: readonly Buffer[], suffix: string) => store(missing, `${token}/${suffix}`);
    await completeParts({ client, table, kind, chunks, store: complete, signal });
    return answer;
  };
  try {
    await storeOnce(batch.chunks, batch.token);
    return [];
  } catch (error) {
    if (!isRowFailure(error)) throw meaningOf(error);
  }
  const lines = linesOf(batch.chunks);
  try {
    const refused = await findRefused({ client, table, kind: batch.stream, lines, topology, signal });
    const rest = without(lines, refused);
    if (rest.length > 0) await storeOnce(rest, `${batch.token}/without-${nameOf(refused)}`);
    return refused;
  } catch (error) {
    // Refused again although every row of it was found good by itself.
    if (isRowFailure(error))
      throw new RetriableError('ClickHouse refuses a batch as a whole', { cause: error });
    throw meaningOf(error);
  }
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
