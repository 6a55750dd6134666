import { RetriableError } from '../errors.ts';
import { bytesHeld, decodeEntry } from '../stream-entry.ts';
import type { StreamEntry } from '../stream-entry.ts';
import type { RedisClient } from './connection.ts';
import type { StreamKind } from './keys.ts';
import { reply } from './redis-error.ts';

/** Reads one partition's stream in order, from a position that the caller keeps; reading changes nothing in Redis. */
export interface StreamReader {
  /**
   * The entries after `afterId`, waiting up to `blockMs` for the first; empty when none came or `signal` aborted. So many entries
   * that they are likely to stay under the reader's bytes bound. Those that are none of ours are among them, marked `broken`.
   */
  read(afterId: string, blockMs: number): Promise<StreamEntry[]>;
  /** The entries from `firstId` to `lastId`, both included. */
  range(firstId: string, lastId: string): Promise<StreamEntry[]>;
}

/** A reply is at most this many entries, however small they are. */
const READ_ENTRIES_MAX = 1024;

type RawEntry = [Buffer, Buffer[]];

/**
 * @param redis a connection of its own (connectBlocking): a blocked read holds up every other command on it.
 * @param bytesMax how many bytes of entries one read should return at most. Redis counts entries, not bytes, so the
 *   number asked for follows the size of the entries seen so far.
 */
export function createStreamReader(
  redis: RedisClient,
  stream: string,
  kind: StreamKind,
  bytesMax: number,
): StreamReader {
  let entryBytes = 64 * 1024;

  function learn(entries: readonly StreamEntry[]): void {
    if (entries.length === 0) return;
    const bytes = entries.reduce((sum, entry) => sum + bytesHeld(entry), 0);
    // Quick to believe in larger entries, slow to believe in smaller ones: memory is what matters.
    const average = bytes / entries.length;
    entryBytes = average > entryBytes ? average : entryBytes * 0.7 + average * 0.3;
  }

  function decode(raw: readonly RawEntry[]): StreamEntry[] {
    const entries = raw.map((entry) => decodeEntry(kind, entry));
    const newer = entries.find((entry) => entry.newer);
    // Its rows would lose columns without a word. They wait until this process is as new.
    if (newer !== undefined)
      throw new RetriableError(
        `entry ${newer.id} of ${stream} was written by a newer release: bring this process up to date`,
      );
    return entries;
  }

  return {
    read: async (afterId, blockMs) => {
      const count = Math.max(1, Math.min(READ_ENTRIES_MAX, Math.floor(bytesMax / entryBytes)));
      const block = blockMs > 0 ? ['BLOCK', String(blockMs)] : [];
      const answer = (await reply(
        redis.callBuffer('XREAD', 'COUNT', String(count), ...block, 'STREAMS', stream, afterId),
        stream,
      )) as [[Buffer, RawEntry[]]] | null;
      const entries = decode(answer?.[0][1] ?? []);
      learn(entries);
      return entries;
    },
    range: async (firstId, lastId) => {
      const raw = (await reply(redis.callBuffer('XRANGE', stream, firstId, lastId), stream)) as RawEntry[];
      return decode(raw);
    },
  };
}

/**
 * Connections for blocked reads are ended on abort: a read in progress then rejects, and has changed nothing.
 *
 * @returns what ends the connection, and the watching: work that starts over again and again must not gather them.
 */
export function disconnectOn(signal: AbortSignal, redis: RedisClient): () => void {
  const disconnect = () => redis.disconnect();
  if (signal.aborted) disconnect();
  else signal.addEventListener('abort', disconnect, { once: true });
  return () => {
    signal.removeEventListener('abort', disconnect);
    disconnect();
  };
}
