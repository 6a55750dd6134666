import type { CatchUp } from './catch-up.ts';
import { giveGap } from './feed-client.ts';
import type { FeedClient } from './feed-client.ts';
import type { Position } from './position.ts';
import type { ReadSummaries } from './read-summaries.ts';

/** The clients of a feed, each with the partitions in which it is behind. */
export interface FeedClients {
  size(): number;
  /** Makes room for a client that has not begun yet. */
  add(client: FeedClient): void;
  remove(client: FeedClient): void;
  /** Lets it begin there; `isBehind` if it has to catch up first. */
  begin(client: FeedClient, positions: readonly Position[], isBehind: boolean): void;
  /** Gives everybody who is abreast what was read. */
  give(partition: number, news: ReadSummaries): void;
  trouble(words: string | undefined): void;
}

/** @param onFailure called with what is no matter of waiting. */
export function createFeedClients(catchUp: CatchUp, onFailure: (error: unknown) => void): FeedClients {
  const clients = new Map<FeedClient, Set<number>>();
  const begun = new Set<FeedClient>();

  function follow(client: FeedClient, behind: Set<number>, partitions: Iterable<number>): void {
    const isUnderWay = behind.size > 0;
    for (const partition of partitions) behind.add(partition);
    if (!isUnderWay) catchUp(client, behind).catch(onFailure);
  }

  function remove(client: FeedClient): void {
    clients.delete(client);
    begun.delete(client);
  }

  return {
    size: () => clients.size,
    add: (client) => {
      clients.set(client, new Set());
      client.gone.addEventListener('abort', () => remove(client), { once: true });
    },
    remove,
    begin: (client, positions, isBehind) => {
      const behind = clients.get(client);
      if (behind === undefined) return;
      client.begin(positions);
      begun.add(client);
      if (isBehind) follow(client, behind, positions.keys());
    },
    give: (partition, news) => {
      for (const client of begun) {
        const behind = clients.get(client);
        if (behind === undefined || behind.has(partition) || giveOne(client, partition, news)) continue;
        follow(client, behind, [partition]);
      }
    },
    trouble: (words) => {
      for (const client of begun) client.trouble(words);
    },
  };
}

/** Gives the client what it has not been given yet, as far as it has room. False if it has not. */
function giveOne(client: FeedClient, partition: number, { from, gap, entries }: ReadSummaries): boolean {
  giveGap(client, partition, from, gap);
  for (const entry of entries) {
    if (entry.ordinal <= client.position(partition).ordinal) continue;
    if (!client.hasRoom()) return false;
    client.entry(partition, entry);
  }
  return true;
}
