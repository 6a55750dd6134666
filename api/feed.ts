import type { Clock } from '../common/clock.ts';
import { describeError, ForeignDataError, RetriableError } from '../common/errors.ts';
import type { Logger } from '../common/logger.ts';
import type { RedisClient } from '../common/redis/connection.ts';
import type { Keys } from '../common/redis/keys.ts';
import { compareIds } from '../common/redis/stream-id.ts';
import { createCatchUp } from './catch-up.ts';
import { POLL_MS } from './feed-client.ts';
import type { FeedClient } from './feed-client.ts';
import { createFeedClients } from './feed-clients.ts';
import { endOf, readSummaries } from './read-summaries.ts';
import type { ReadSummaries } from './read-summaries.ts';
import { BEGINNING } from './position.ts';
import type { Position } from './position.ts';

/**
 * Reads the summary streams of all partitions once for the whole process, without a group, and hands what comes to every client. Reads only
 * while there are clients.
 *
 * A client in a partition: behind ──▶ abreast ──▶ behind …. Behind, it reads by itself, at its own pace, from where it was; once it stands where
 * the feed stands it is abreast, and is given what the feed reads, until it has no room for it: then it is behind again. One
 * that wants only what is new begins abreast, at the streams' ends.
 */
export interface Feed {
  /**
   * Adds a client until it is gone; resolves when it has begun. Throws a RetriableError while Redis is away.
   *
   * @param from where it was; what comes from now on if not given.
   */
  join(client: FeedClient, from: readonly Position[] | undefined): Promise<void>;
  /** How many clients there are. */
  clients(): number;
  /** Reads until the signal aborts. Throws what is no matter of waiting. */
  run(signal: AbortSignal): Promise<void>;
}

export interface FeedDeps {
  redis: RedisClient;
  keys: Keys;
  partitions: number;
  clock: Clock;
  logger: Logger;
  /** Called after every turn: the sign that work is getting done. */
  onProgress(): void;
  /** Called with what is no matter of waiting. */
  onFailure: (error: unknown) => void;
}

/** What one read of one partition takes at most, about. */
const READ_BYTES_MAX = 256 * 1024;

export function createFeed(deps: FeedDeps): Feed {
  const { redis, keys, partitions, clock, logger } = deps;
  const all = Array.from({ length: partitions }, (_, partition) => partition);
  /** Where the feed stands; undefined while nobody listens. */
  let positions: Position[] | undefined;
  let trouble: string | undefined;

  const read = (partition: number, from: Position) =>
    readSummaries(redis, keys.stream(partition, 'summary'), from, READ_BYTES_MAX);
  const catchUp = createCatchUp({ read, feedAt: (partition) => positions?.[partition], clock });
  const clients = createFeedClients(catchUp, deps.onFailure);

  /** The streams' ends; of one that is not ours, its beginning, for when it is mended. */
  function ends(): Promise<Position[]> {
    return Promise.all(
      all.map((partition) =>
        endOf(redis, keys.stream(partition, 'summary')).catch((error: unknown) => {
          if (error instanceof ForeignDataError) return BEGINNING;
          throw error;
        }),
      ),
    );
  }

  /** One look at every stream; true if none had more than was read. */
  async function turn(from: Position[]): Promise<boolean> {
    const failures: string[] = [];
    const look = async (partition: number): Promise<boolean> => {
      try {
        const news = await read(partition, from[partition] ?? BEGINNING);
        from[partition] = behind(news);
        clients.give(partition, news);
        return news.atEnd;
      } catch (error) {
        if (!(error instanceof RetriableError)) throw error;
        failures.push(describeError(error));
        return true;
      }
    };
    const ended = await Promise.all(all.map(look));
    tell([...new Set(failures)].join('; ') || undefined);
    return ended.every((atEnd) => atEnd);
  }

  function tell(words: string | undefined): void {
    if (words === trouble) return;
    trouble = words;
    if (words === undefined) logger.info('the summary streams are read again');
    else logger.warn({ error: words }, 'the summary streams cannot be read');
    clients.trouble(words);
  }

  return {
    join: async (client, from) => {
      clients.add(client);
      try {
        const now = await ends();
        positions ??= [...now];
        clients.begin(client, from ?? later(now, positions), from !== undefined);
      } catch (error) {
        clients.remove(client);
        throw error;
      }
      if (trouble !== undefined) client.trouble(trouble);
    },
    clients: () => clients.size(),
    run: async (signal) => {
      while (!signal.aborted) {
        if (clients.size() === 0) positions = undefined;
        const atEnd = positions === undefined || (await turn(positions));
        deps.onProgress();
        if (atEnd) await clock.sleep(POLL_MS, signal);
      }
    },
  };
}

/**
 * Of a stream's end and of where the feed stands in it: while the ends of all streams were asked for, the feed has read on, and what it has read it
 * gives to nobody again. By ids, which grow also where a stream began anew.
 */
function later(ends: readonly Position[], stands: readonly Position[]): Position[] {
  return ends.map((end, partition) => {
    const here = stands[partition] ?? end;
    return compareIds(here.id, end.id) > 0 ? here : end;
  });
}

/** Where a reader stands who has read all of it. */
function behind({ from, entries }: ReadSummaries): Position {
  const last = entries.at(-1);
  return last === undefined ? from : { id: last.id, ordinal: last.ordinal, rows: 0 };
}
