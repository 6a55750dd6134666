import type { DeadLetter } from './dead-letter.ts';
import { millisOfId } from './redis/stream-id.ts';
import type { StreamEntry } from './stream-entry.ts';
import { timestampFromMillis } from './timestamp.ts';

/** Of an entry whose fields are larger, the dead letter holds the beginning: far more than any entry of ours has. */
const FIELD_BYTES_MAX = 16 * 1024 * 1024;
const DAY_MS = 24 * 60 * 60 * 1000;

/**
 * The dead letter of a stream entry that is none of ours, whole. The same whoever reads it, but for `reader`: told by
 * several, it is one in the end.
 *
 * @param stream key of the stream.
 * @param reader `processor`, or `sink` and its name.
 */
export function undecodableLetter(
  stream: string,
  entry: StreamEntry,
  reason: string,
  reader: string,
  nowMs: number,
): DeadLetter {
  const bytes = entry.fields.reduce((sum, field) => sum + field.length, 0);
  const raw = JSON.stringify({ id: entry.id, fields: pairsOf(entry.fields) });
  return {
    event_id: `${stream}/${entry.id}`,
    stage: 'stream',
    input: '',
    channel: '',
    reason: `the stream entry ${reason}`,
    ingest_time: timestampFromMillis(timeOf(entry.id, nowMs)),
    raw_base64: Buffer.from(raw).toString('base64'),
    meta: { stream, reader, ...(bytes > FIELD_BYTES_MAX ? { cut_from_bytes: String(bytes) } : {}) },
  };
}

/** When it was added, as its id says: the same for every reader. But an id can be made up, and what is old is soon dropped. */
function timeOf(id: string, nowMs: number): number {
  return Math.min(nowMs, Math.max(millisOfId(id), nowMs - DAY_MS));
}

/** Pairs of name and value: what is text as text, for whoever reads it, and other bytes as base64. */
function pairsOf(fields: readonly Buffer[]): unknown[] {
  let left = FIELD_BYTES_MAX;
  const readable = fields.map((field) => {
    const bytes = field.subarray(0, left);
    left -= bytes.length;
    const text = bytes.toString();
    return Buffer.from(text).equals(bytes) ? text : { base64: bytes.toString('base64') };
  });
  const pairs: unknown[] = [];
  for (let i = 0; i < readable.length; i += 2) pairs.push(readable.slice(i, i + 2));
  return pairs;
}
