import type { DeadLetter } from '../common/dead-letter.ts';
import { timestampFromMillis } from '../common/timestamp.ts';
import { rowFromLine } from '../common/wire-row.ts';
import type { WireRow } from '../common/wire-row.ts';
import { linesOf } from './lines.ts';
import type { RefusedRow, SinkBatch } from './sink.ts';

/** Rows that a store will never take, as dead letters, whole. The same row of the same batch has the same id. */
export function toDeadLetters(
  sink: string,
  batch: SinkBatch,
  refused: readonly RefusedRow[],
  nowMs: number,
): DeadLetter[] {
  if (refused.length === 0) return [];
  const lines = linesOf(batch.chunks);
  return refused.map(({ index, reason }) => {
    const line = lines.slice(index, index + 1);
    const plain = line.at(-1) === NEWLINE ? line.subarray(0, -1) : line;
    const { row } = rowFromLine(batch.stream, plain.toString());
    // By the fields' names, for whoever reads it and for `dead-letters retry`; what is no row stays as it is, to the byte.
    const raw = row === undefined ? plain : Buffer.from(JSON.stringify(row));
    return {
      event_id: `${batch.token}#${index}`,
      stage: `sink ${sink}`,
      ...originOf(row),
      reason,
      ingest_time: timestampFromMillis(nowMs),
      raw_base64: raw.toString('base64'),
      meta: { stream: batch.stream },
    };
  });
}

const NEWLINE = 0x0a;

/** Where the row came from, if it says so. */
function originOf(row: WireRow | undefined): { input: string; channel: string } {
  const textOf = (field: string) => {
    const value = row?.[field];
    return typeof value === 'string' ? value : '';
  };
  return { input: textOf('input'), channel: textOf('channel') };
}
