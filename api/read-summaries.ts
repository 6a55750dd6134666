import { RetriableError } from '../common/errors.ts';
import type { RedisClient } from '../common/redis/connection.ts';
import { loadScript } from '../common/redis/scripts.ts';
import { compareIds } from '../common/redis/stream-id.ts';
import { decodeEntry } from '../common/stream-entry.ts';
import type { Summary } from '../common/summary.ts';
import { summaryFromRow } from '../common/summary-row.ts';
import { rowFromLine } from '../common/wire-row.ts';
import { BEGINNING } from './position.ts';
import type { Position } from './position.ts';

const readScript = loadScript(new URL('./read-summaries.lua', import.meta.url));

/** One entry of a summary stream. */
export interface FeedEntry {
  id: string;
  ordinal: number;
  /** Row by row; null for what is none of ours. */
  summaries: readonly (FeedSummary | null)[];
}

/** A summary, and its JSON: made once, however many clients get it. */
export interface FeedSummary {
  summary: Summary;
  json: string;
}

/** Entries that were gone before they were read. */
export interface Gap {
  /** How many; null where nobody can say. */
  entries: number | null;
  reason: string;
}

export interface ReadSummaries {
  /** Where the entries begin: where the reader stood, or behind the gap. */
  from: Position;
  gap?: Gap;
  entries: FeedEntry[];
  /** Whether the stream had no more than these. */
  atEnd: boolean;
}

const DROPPED: Omit<Gap, 'entries'> = { reason: 'they were dropped before they could be read' };
const BEGAN_ANEW: Gap = { entries: null, reason: 'the stream was deleted and began anew' };

/** Reads on from a position, so many entries that they have about `bytesMax`; waits for nothing. */
export async function readSummaries(
  redis: RedisClient,
  stream: string,
  position: Position,
  bytesMax: number,
): Promise<ReadSummaries> {
  const seen = await look(redis, stream, position.id, bytesMax);
  if (compareIds(position.id, seen.lastId) > 0 || position.ordinal > seen.added) {
    const from = { ...BEGINNING, ordinal: seen.added - seen.length };
    const anew = await look(redis, stream, from.id, bytesMax);
    return { from, gap: BEGAN_ANEW, ...entriesOf(anew, from) };
  }
  const { from, gap } = standing(position, seen);
  return { from, ...(gap === undefined ? {} : { gap }), ...entriesOf(seen, from) };
}

/** The end of a stream: where a reader begins who wants only what is new. */
export async function endOf(redis: RedisClient, stream: string): Promise<Position> {
  const { added, lastId } = await look(redis, stream, '+', 0);
  return { id: lastId, ordinal: added, rows: 0 };
}

interface Seen {
  added: number;
  length: number;
  firstId: string;
  lastId: string;
  raw: [Buffer, Buffer[]][];
}

async function look(redis: RedisClient, stream: string, after: string, bytesMax: number): Promise<Seen> {
  const answer = (await readScript.run(redis, [stream], [after, bytesMax])) as [
    number,
    number,
    Buffer,
    Buffer,
    ...[Buffer, Buffer[]][],
  ];
  const [added, length, firstId, lastId, ...raw] = answer;
  return { added, length, firstId: String(firstId), lastId: String(lastId), raw };
}

/** Where the reader stands in what it has seen, and what it has missed. */
function standing(position: Position, seen: Seen): { from: Position; gap?: Gap } {
  const isThere = seen.firstId !== '' && compareIds(position.id, seen.firstId) >= 0;
  if (isThere) return { from: position };
  // All that it has not read and is not there was dropped.
  const dropped = seen.added - seen.length;
  const missed = dropped - position.ordinal;
  if (missed === 0) return { from: position };
  const id = seen.firstId === '' ? seen.lastId : position.id;
  const gap = missed > 0 ? { ...DROPPED, entries: missed } : BEGAN_ANEW;
  return { from: { id, ordinal: dropped, rows: 0 }, gap };
}

function entriesOf({ raw, lastId }: Seen, from: Position): Pick<ReadSummaries, 'entries' | 'atEnd'> {
  const entries = raw.map((one, index): FeedEntry => {
    const { id, body, newer } = decodeEntry('summary', one);
    // Without what this release does not know of it would not be what it says.
    if (newer)
      throw new RetriableError(`entry ${id} was written by a newer release: bring the API up to date`);
    return { id, ordinal: from.ordinal + index + 1, summaries: summariesOf(body) };
  });
  const last = entries.at(-1);
  return { entries, atEnd: last === undefined || last.id === lastId };
}

function summariesOf(body: Buffer): (FeedSummary | null)[] {
  const lines = body.toString().split('\n');
  // Behind the last newline there is nothing.
  lines.pop();
  return lines.map((line) => {
    const { row } = rowFromLine('summary', line);
    if (row === undefined) return null;
    const summary = summaryFromRow(row);
    return { summary, json: JSON.stringify(summary) };
  });
}
