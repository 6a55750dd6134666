import type { Clock } from '../common/clock.ts';
import type { StreamReader } from '../common/redis/stream-reader.ts';
import type { StreamEntry } from '../common/stream-entry.ts';
import type { BatchConfig } from './config.ts';

/** How long a read waits for entries while nothing is buffered. */
const BLOCK_MS = 500;
/** Looking for more entries this often is often enough: each look costs a call to Redis. */
const LOOK_MS = 100;

export interface Size {
  rows: number;
  bytes: number;
}

/** The next entries, until there are enough of them or the oldest has waited long enough. Empty if none came. */
export async function gather(
  reader: StreamReader,
  batch: BatchConfig,
  clock: Clock,
  afterId: string,
  signal: AbortSignal,
): Promise<StreamEntry[]> {
  const entries = await reader.read(afterId, BLOCK_MS);
  if (entries.length === 0) return entries;
  const deadline = clock.now() + batch.delay_max;
  while (!isFull(entries, batch) && !signal.aborted) {
    const left = deadline - clock.now();
    if (left <= 0) break;
    await clock.sleep(Math.min(left, LOOK_MS), signal);
    if (!signal.aborted) await topUp(reader, batch, entries);
  }
  return entries;
}

/** Adds what has come since, as far as there is room. What waited for its turn to be written grows to what the store's pace asks for. */
export async function topUp(reader: StreamReader, batch: BatchConfig, entries: StreamEntry[]): Promise<void> {
  const last = entries.at(-1);
  if (last === undefined || isFull(entries, batch)) return;
  entries.push(...(await reader.read(last.id, 0)));
}

export function sizeOf(entries: readonly StreamEntry[]): Size {
  let rows = 0;
  let bytes = 0;
  for (const entry of entries) {
    rows += entry.rows;
    bytes += entry.body.length;
  }
  return { rows, bytes };
}

function isFull(entries: readonly StreamEntry[], batch: BatchConfig): boolean {
  const { rows, bytes } = sizeOf(entries);
  return rows >= batch.rows_max || bytes >= batch.bytes_max;
}
