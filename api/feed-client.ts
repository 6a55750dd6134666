import type { Position } from './position.ts';
import type { FeedEntry, Gap } from './read-summaries.ts';

/** Pause between two looks at the streams. */
export const POLL_MS = 200;

/** Whoever is given what the feed reads. */
export interface FeedClient {
  /** Told first of all: it is among the clients and stands there. */
  begin(positions: readonly Position[]): void;
  entry(partition: number, entry: FeedEntry): void;
  gap(partition: number, gap: Gap, behind: Position): void;
  /** What keeps the feed from reading now, in words; undefined once it reads again. */
  trouble(words: string | undefined): void;
  /** Where it stands in a partition. */
  position(partition: number): Position;
  /** Whether it can be given more now. */
  hasRoom(): boolean;
  /** Resolves when it has room, or is gone. */
  roomy(): Promise<void>;
  /** Aborts when it is gone. */
  readonly gone: AbortSignal;
}

/** Tells the client of a gap that it has not got over yet. */
export function giveGap(client: FeedClient, partition: number, from: Position, gap: Gap | undefined): void {
  if (gap === undefined) return;
  if (gap.entries === null || client.position(partition).ordinal < from.ordinal)
    client.gap(partition, gap, from);
}
