import { Cluster, Redis } from 'ioredis';
import type { DeadLetter } from '../dead-letter.ts';
import { parseAddress } from '../redis/cluster.ts';
import type { RedisClient } from '../redis/connection.ts';
import { createKeys } from '../redis/keys.ts';
import type { Keys, StreamKind } from '../redis/keys.ts';
import { decodeEntry } from '../stream-entry.ts';
import type { Summary } from '../summary.ts';
import { summaryFromRow } from '../summary-row.ts';
import type { SummaryRow } from '../summary-row.ts';
import type { TrackingLog } from '../tracking-log.ts';
import { rowFromLine } from '../wire-row.ts';

/** What the streams of a test's Redis hold, row by row. */
export interface TestStreams extends AsyncDisposable {
  redis: RedisClient;
  logs(): Promise<TrackingLog[]>;
  /** Every revision, in the order they were published. */
  summaries(): Promise<Summary[]>;
  deadLetters(): Promise<DeadLetter[]>;
}

/** @param from URL of a server, or addresses of a Cluster's nodes. */
export function openStreams(
  from: string | readonly string[],
  partitions: number,
  prefix = 'tranweave',
): TestStreams {
  const redis =
    typeof from === 'string'
      ? new Redis(from, { protocol: 2 })
      : new Cluster(from.map(parseAddress), { redisOptions: { protocol: 2 } });
  const keys = createKeys(prefix);
  const rows = <T>(kind: StreamKind) => rowsOfStreams<T>(redis, keys, partitions, kind);
  return {
    redis,
    logs: () => rows<TrackingLog>('log'),
    summaries: async () => (await rows<SummaryRow>('summary')).map(summaryFromRow),
    deadLetters: () => rows<DeadLetter>('dead_letter'),
    [Symbol.asyncDispose]: async () => {
      redis.disconnect();
    },
  };
}

/** Every row that a partition's stream of this kind holds, in order, of all partitions. */
export async function rowsOfStreams<T>(
  redis: RedisClient,
  keys: Keys,
  partitions: number,
  kind: StreamKind,
): Promise<T[]> {
  const found: T[] = [];
  for (let partition = 0; partition < partitions; partition += 1) {
    const raw = await redis.xrangeBuffer(keys.stream(partition, kind), '-', '+');
    for (const entry of raw) {
      const { rows, body } = decodeEntry(kind, entry);
      // Those that are none of ours have none.
      if (rows === 0) continue;
      const lines = body.toString().trimEnd().split('\n');
      found.push(...lines.map((line) => rowFromLine(kind, line).row as T));
    }
  }
  return found;
}
