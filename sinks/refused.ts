import type { DeadLetter } from '../common/dead-letter.ts';
import { timestampFromMillis } from '../common/timestamp.ts';
import { linesOf } from './lines.ts';
import type { RefusedRow, SinkBatch } from './sink.ts';

/** Rows that a store will never take, as dead letters: whole, to the byte. The same row of the same batch has the same id. */
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
    const raw = line.at(-1) === NEWLINE ? line.subarray(0, -1) : line;
    return {
      event_id: `${batch.token}#${index}`,
      stage: `sink ${sink}`,
      ...originOf(raw),
      reason,
      ingest_time: timestampFromMillis(nowMs),
      raw_base64: raw.toString('base64'),
      meta: { stream: batch.stream },
    };
  });
}

const NEWLINE = 0x0a;

/** Where the row came from, if it says so: it may well have been refused for not being JSON. */
function originOf(raw: Buffer): { input: string; channel: string } {
  let row: unknown;
  try {
    row = JSON.parse(raw.toString());
  } catch {
    return { input: '', channel: '' };
  }
  const textOf = (field: string) => {
    const value: unknown = row === null ? undefined : (row as Record<string, unknown>)[field];
    return typeof value === 'string' ? value : '';
  };
  return { input: textOf('input'), channel: textOf('channel') };
}
