import type { Clock } from '../common/clock.ts';
import type { StreamReader } from '../common/redis/stream-reader.ts';
import { bytesHeld } from '../common/stream-entry.ts';
import type { StreamEntry } from '../common/stream-entry.ts';
import type { BatchConfig } from './config.ts';

/** How long a read waits for entries while nothing is buffered. */
const BLOCK_MS = 500;
/** Looking for more entries this often is often enough: each look costs a call to Redis. */
const LOOK_MS = 250;
/**
 * How much one read asks for. Redis counts entries, not bytes, and the reader guesses their size, so a read may bring more, and the more
 * it asks for the more: 16 times as much, should the first entries be of the largest size.
 */
export const READ_BYTES = 1024 * 1024;
/** A read that brings so much has probably left more. */
const LARGE_READ = { bytes: READ_BYTES / 2, entries: 512 };

export interface Size {
  rows: number;
  bytes: number;
}

export interface Gathering {
  reader: StreamReader;
  batch: BatchConfig;
  clock: Clock;
  afterId: string;
  signal: AbortSignal;
  /** Until when to wait from now on, if no longer than the delay. */
  deadlineOf: (delayMs: number) => number;
  /** Called after each look for more: however long a batch may wait, waiting for it is no stall. */
  onLook: () => void;
}

/** The next entries, until there are enough of them or the oldest has waited long enough. Empty if none came. */
export async function gather(gathering: Gathering): Promise<StreamEntry[]> {
  const { reader, batch, clock, afterId, signal, deadlineOf, onLook } = gathering;
  const entries: StreamEntry[] = [];
  addWithin(batch, entries, await reader.read(afterId, BLOCK_MS));
  if (entries.length === 0) return entries;
  const deadline = deadlineOf(batch.delay_max);
  while (!signal.aborted && (await topUp(reader, batch, entries)) === 'room') {
    const left = deadline - clock.now();
    if (left <= 0) break;
    onLook();
    await clock.sleep(Math.min(left, LOOK_MS), signal);
  }
  return entries;
}

/** Adds what has come since, as far as there is room. What waited for its turn to be written grows to what the store's pace asks for. */
export async function topUp(
  reader: StreamReader,
  batch: BatchConfig,
  entries: StreamEntry[],
): Promise<'full' | 'room'> {
  for (;;) {
    const { rows, bytes } = sizeOf(entries);
    const last = entries.at(-1);
    if (last === undefined || rows >= batch.rows_max || bytes >= batch.bytes_max) return 'full';
    const more = await reader.read(last.id, 0);
    if (!addWithin(batch, entries, more)) return 'full';
    if (sizeOf(more).bytes < LARGE_READ.bytes && more.length < LARGE_READ.entries) return 'room';
  }
}

/** Leaves out what is over the bounds, which may have become narrower since it was gathered; a first entry stays whatever its size. It will be read again. */
export function cutDown(batch: BatchConfig, entries: StreamEntry[]): void {
  const all = entries.splice(0);
  addWithin(batch, entries, all);
}

/**
 * Adds entries up to the batch's bounds; a first one whatever its size. False if some were left out: they are in the stream, and will be read again.
 * Only of what is none of ours everything is kept.
 */
function addWithin(batch: BatchConfig, entries: StreamEntry[], more: readonly StreamEntry[]): boolean {
  let { rows, bytes } = sizeOf(entries);
  for (const entry of more) {
    const size = sizeOfEntry(entry);
    rows += size.rows;
    bytes += size.bytes;
    if (entries.length > 0 && (rows > batch.rows_max || bytes > batch.bytes_max)) return false;
    entries.push(leanOf(entry));
  }
  return true;
}

/** Of what is ours the fields are not needed any more: its body is one of them. */
export function leanOf(entry: StreamEntry): StreamEntry {
  return entry.broken === undefined ? { ...entry, fields: [] } : entry;
}

export function sizeOf(entries: readonly StreamEntry[]): Size {
  let rows = 0;
  let bytes = 0;
  for (const entry of entries) {
    const size = sizeOfEntry(entry);
    rows += size.rows;
    bytes += size.bytes;
  }
  return { rows, bytes };
}

/** What is none of ours becomes one row: a dead letter. */
function sizeOfEntry(entry: StreamEntry): Size {
  if (entry.broken === undefined) return { rows: entry.rows, bytes: entry.body.length };
  return { rows: 1, bytes: bytesHeld(entry) };
}
