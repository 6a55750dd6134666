import { findByHalving, ROWS_REFUSED_MAX, tooManyRefused } from '../halving.ts';
import type { RefusedRow, SinkBatch } from '../sink.ts';
import { newestOf } from './newest.ts';
import { readRows } from './read-rows.ts';
import type { Row } from './read-rows.ts';
import { TABLES } from './tables.ts';
import type { Table } from './tables.ts';

/** What a SQL store does in its own way. */
export interface SqlStore {
  /** For messages: PostgreSQL. */
  readonly name: string;
  /** Whether its texts can hold U+0000. */
  readonly nulInText: boolean;
  /** Stores the rows, all or none of them. A row whose key is there already has no effect, unless it is the newer revision. */
  insert(table: Table, rows: readonly Row[], signal: AbortSignal): Promise<void>;
  /** Why a row is of no use, if that is what the error says; undefined for every other error. */
  refusalOf(error: unknown): string | undefined;
  /** The error to throw (common/errors.ts). */
  meaningOf(error: unknown): unknown;
}

/**
 * Stores a batch and names the rows that the store will never take. Since a row that is there already has no effect, halves may be stored as they
 * are found good, and the same batch again changes nothing.
 */
export async function writeBatch(
  store: SqlStore,
  batch: SinkBatch,
  signal: AbortSignal,
): Promise<RefusedRow[]> {
  const table = TABLES[batch.stream];
  const { rows, refused, unknownFields } = readRows(batch, table, store.nulInText);
  // Refused by what they hold (U+0000 in every second payload) they are as many as they are; else it is the table that does not fit.
  let suspicious = unknownFields;
  if (suspicious > ROWS_REFUSED_MAX) throw tooManyRefused(store.name);

  async function refusalOf(from: number, to: number): Promise<string | undefined> {
    const part = rows.slice(from, to);
    try {
      await store.insert(table, batch.stream === 'summary' ? newestOf(part) : part, signal);
      return undefined;
    } catch (error) {
      const reason = store.refusalOf(error);
      if (reason === undefined) throw store.meaningOf(error);
      return reason;
    }
  }

  await findByHalving(rows.length, refusalOf, (at, reason) => {
    refused.push({ index: rows[at]?.index ?? 0, reason });
    suspicious += 1;
    if (suspicious > ROWS_REFUSED_MAX) throw tooManyRefused(store.name, new Error(reason));
  });
  return refused.sort((a, b) => a.index - b.index);
}
