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
 * behind in meanwhile is done as well.
 */
export function createCatchUp({ read, feedAt, clock }: CatchUpDeps): CatchUp {
  async function one(client: FeedClient, partition: number): Promise<void> {
    while (!client.gone.aborted) {
      const news = await readOrWait(client, partition);
      if (news === undefined) continue;
      giveGap(client, partition, news.from, news.gap);
      for (const entry of news.entries) {
        await client.roomy();
        client.entry(partition, entry);
      }
      // From here to the end of being behind nothing is awaited, so nothing can come in between.
      if (!news.atEnd) continue;
      if (client.position(partition).ordinal >= (feedAt(partition)?.ordinal ?? 0)) return;
      if (news.entries.length === 0) await clock.sleep(POLL_MS, client.gone);
    }
  }

  async function readOrWait(client: FeedClient, partition: number): Promise<ReadSummaries | undefined> {
    try {
      return await read(partition, client.position(partition));
    } catch (error) {
      if (!(error instanceof RetriableError)) throw error;
      // The feed, which reads as well, tells of it.
      await clock.sleep(POLL_MS, client.gone);
      return undefined;
    }
  }

  return async (client, behind) => {
    for (const partition of behind) {
      await one(client, partition);
      behind.delete(partition);
    }
  };
}
