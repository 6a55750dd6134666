import type { Clock } from '../common/clock.ts';
import { RetriableError } from '../common/errors.ts';
import { giveGap, POLL_MS } from './feed-client.ts';
import type { FeedClient } from './feed-client.ts';
import type { Position } from './position.ts';
import type { ReadSummaries } from './read-summaries.ts';

export interface CatchUpDeps {
  read: (partition: number, from: Position) => Promise<ReadSummaries>;
  /** Where the feed stands in a partition, if it reads. */
  feedAt: (partition: number) => Position | undefined;
  clock: Clock;
}

/** @param behind the partitions in which the client is behind; they are taken out one by one. */
export type CatchUp = (client: FeedClient, behind: Set<number>) => Promise<void>;

/**
 * Reads on for one client, partition by partition and no faster than it takes what it is given, until it is behind in none. A partition that it falls
 * behind in meanwhile is done as well; one that cannot be read for now waits behind the others and holds none of them up.
 */
export function createCatchUp({ read, feedAt, clock }: CatchUpDeps): CatchUp {
  const isAbreast = (client: FeedClient, partition: number) =>
    client.position(partition).ordinal >= (feedAt(partition)?.ordinal ?? 0);

  /** Until the client has read all that is there, or is gone. False if the partition cannot be read for now. */
  async function one(client: FeedClient, partition: number): Promise<boolean> {
    while (!client.gone.aborted) {
      const news = await readIfPossible(client, partition);
      if (news === undefined) return false;
      giveGap(client, partition, news.from, news.gap);
      for (const entry of news.entries) {
        await client.roomy();
        client.entry(partition, entry);
      }
      if (news.atEnd && isAbreast(client, partition)) break;
      if (news.atEnd && news.entries.length === 0) await clock.sleep(POLL_MS, client.gone);
    }
    return true;
  }

  async function readIfPossible(client: FeedClient, partition: number): Promise<ReadSummaries | undefined> {
    try {
      return await read(partition, client.position(partition));
    } catch (error) {
      // The feed, which reads as well, tells of it.
      if (error instanceof RetriableError) return undefined;
      throw error;
    }
  }

  return async (client, behind) => {
    /** So many partitions one after the other could not be read. */
    let unread = 0;
    for (const partition of behind) {
      unread = (await one(client, partition)) ? 0 : unread + 1;
      if (client.gone.aborted) return;
      // From here to the end of being behind nothing is awaited, so nothing can come in between.
      behind.delete(partition);
      if (unread === 0 && isAbreast(client, partition)) continue;
      behind.add(partition);
      if (unread < behind.size) continue;
      await clock.sleep(POLL_MS, client.gone);
      unread = 0;
    }
  };
}
