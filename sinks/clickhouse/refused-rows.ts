import { Readable } from 'node:stream';
import type { ClickHouseClient } from '@clickhouse/client';
import { RetriableError } from '../../common/errors.ts';
import type { Lines } from '../lines.ts';
import type { RefusedRow } from '../sink.ts';
import { ask } from './ask.ts';
import { isRowFailure, reasonOf } from './failure.ts';
import type { ClickHouseFailure } from './failure.ts';
import { READING } from './settings.ts';

/**
 * So many refused rows of one batch are not about rows: the table was changed, or a newer collector writes fields that it does not have. The
 * batch waits then, and with it its partition, instead of all logs becoming dead letters; somebody sees it, and nothing is lost.
 */
export const ROWS_REFUSED_MAX = 256;

/**
 * The rows that ClickHouse cannot read, by halving what it refused: some 2·log2(n) attempts for one of n rows. They are tried on a table of
 * the same columns that keeps nothing, so that what is good can be stored afterwards in one insert under one token. Storing the
 * good halves on the way would leave log2(n) small parts for each bad row, and thousands of parts stop a table.
 */
export async function findRefused(
  client: ClickHouseClient,
  table: string,
  lines: Lines,
  signal: AbortSignal,
): Promise<RefusedRow[]> {
  const probe = `${table}_probe`;
  await ask(client, {
    sql: `CREATE OR REPLACE TABLE ${probe} AS ${table} ENGINE = Null COMMENT 'Keeps nothing; finds rows that ${table} cannot take'`,
    signal,
  });
  const refused: RefusedRow[] = [];

  async function failureOf(from: number, to: number): Promise<ClickHouseFailure | undefined> {
    try {
      await ask(client, {
        sql: `INSERT INTO ${probe} FORMAT JSONEachRow`,
        rows: Readable.from([lines.slice(from, to)], { objectMode: false }),
        settings: { ...READING, async_insert: 0 },
        signal,
      });
      return undefined;
    } catch (error) {
      if (isRowFailure(error)) return error;
      throw error;
    }
  }

  async function search(from: number, to: number): Promise<void> {
    const failure = await failureOf(from, to);
    if (failure === undefined) return;
    if (to - from === 1) {
      refused.push({ index: from, reason: reasonOf(failure) });
      if (refused.length > ROWS_REFUSED_MAX) throw tooMany(failure);
      return;
    }
    const middle = from + Math.ceil((to - from) / 2);
    await search(from, middle);
    await search(middle, to);
  }

  await search(0, lines.count);
  return refused;
}

function tooMany(last: ClickHouseFailure): RetriableError {
  return new RetriableError(
    `ClickHouse refuses more than ${ROWS_REFUSED_MAX} rows of a batch, which are not stored until the table and the sinks fit the logs`,
    { cause: last },
  );
}
