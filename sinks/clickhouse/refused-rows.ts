import { Readable } from 'node:stream';
import type { ClickHouseClient } from '@clickhouse/client';
import type { StreamKind } from '../../common/redis/keys.ts';
import { findByHalving, ROWS_REFUSED_MAX, tooManyRefused } from '../halving.ts';
import type { Lines } from '../lines.ts';
import type { RefusedRow } from '../sink.ts';
import { ask } from './ask.ts';
import { isRowFailure, reasonOf } from './failure.ts';
import { FORMAT_OF } from './format.ts';
import type { ClickHouseFailure } from './failure.ts';
import { READING } from './settings.ts';
import type { Topology } from './topology.ts';

export interface Suspected {
  client: ClickHouseClient;
  table: string;
  kind: StreamKind;
  lines: Lines;
  topology: Topology;
  signal: AbortSignal;
}

/**
 * The rows that ClickHouse cannot read, by halving what it refused (halving.ts). They are tried on a table of
 * the same columns that keeps nothing, so that what is good can be stored afterwards in one insert under one token. Storing the
 * good halves on the way would leave log2(n) small parts for each bad row, and thousands of parts stop a table.
 */
export async function findRefused({
  client,
  table,
  kind,
  lines,
  topology: { onCluster },
  signal,
}: Suspected): Promise<RefusedRow[]> {
  const probe = `${table}_probe`;
  await ask(client, {
    sql: `CREATE OR REPLACE TABLE ${probe}${onCluster} AS ${table} ENGINE = Null COMMENT 'Keeps nothing; finds rows that ${table} cannot take'`,
    signal,
  });
  const refused: RefusedRow[] = [];

  async function failureOf(from: number, to: number): Promise<ClickHouseFailure | undefined> {
    try {
      await ask(client, {
        sql: `INSERT INTO ${probe} ${FORMAT_OF[kind]}`,
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

  await findByHalving(lines.count, failureOf, (index, failure) => {
    refused.push({ index, reason: reasonOf(failure) });
    if (refused.length > ROWS_REFUSED_MAX) throw tooManyRefused('ClickHouse', failure);
  });
  return refused;
}
