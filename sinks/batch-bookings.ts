import { bookingsOf } from '../common/account.ts';
import type { Account, Booking } from '../common/account.ts';
import type { StreamEntry } from '../common/stream-entry.ts';
import { rowFromLine } from '../common/wire-row.ts';
import { linesOf } from './lines.ts';
import type { RefusedRow, SinkBatch } from './sink.ts';

/** What the books say of a stored batch. Summaries are not counted: `tranweave verify` compares them one by one. */
export function bookingsOfBatch(
  sink: string,
  batch: SinkBatch,
  entries: readonly StreamEntry[],
  refused: readonly RefusedRow[],
): Booking[] {
  const booked = batch.stream === 'log' ? (`taken:${sink}` as const) : (`dead_letter_taken:${sink}` as const);
  const taken = entries.flatMap(({ account }) => (account === undefined ? [] : bookingsOf(booked, account)));
  // The store of dead letters refuses none.
  return batch.stream === 'log' && refused.length > 0
    ? [...taken, ...refusedOf(sink, batch, entries, refused)]
    : taken;
}

function refusedOf(
  sink: string,
  batch: SinkBatch,
  entries: readonly StreamEntry[],
  refused: readonly RefusedRow[],
): Booking[] {
  const accounts: (Account | undefined)[] = entries.flatMap(({ rows, account }) =>
    Array.from({ length: rows }, () => account),
  );
  const lines = linesOf(batch.chunks);
  return refused.flatMap(({ index }) => {
    const account = accounts[index];
    if (account === undefined) return [];
    const counts = new Map([[interfaceOf(lines.slice(index, index + 1)), 1]]);
    return bookingsOf(`refused:${sink}`, { ...account, counts });
  });
}

function interfaceOf(line: Buffer): string {
  // It may have been refused for being no row.
  const interfaceId = rowFromLine('log', line.toString()).row?.['interface_id'];
  return typeof interfaceId === 'string' ? interfaceId : '';
}
