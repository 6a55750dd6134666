import { Cluster, Redis } from 'ioredis';
import type { DeadLetter } from '../dead-letter.ts';
import { parseAddress } from '../redis/cluster.ts';
import type { RedisClient } from '../redis/connection.ts';
import { createKeys } from '../redis/keys.ts';
import type { StreamKind } from '../redis/keys.ts';
import { decodeEntry } from '../stream-entry.ts';
import type { Summary } from '../summary.ts';
import { summaryFromLine } from '../summary-row.ts';
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
  async function lines(kind: StreamKind): Promise<string[]> {
    const found: string[] = [];
    for (let partition = 0; partition < partitions; partition += 1) {
      const raw = await redis.xrangeBuffer(keys.stream(partition, kind), '-', '+');
      for (const entry of raw) {
        const { body } = decodeEntry(kind, entry);
        found.push(...body.toString().trimEnd().split('\n'));
      }
    }
    return found;
  }
  return {
    redis,
    logs: async () => (await lines('log')).map((line) => rowFromLine('log', line).row as TrackingLog),
    summaries: async () => (await lines('summary')).map(summaryFromLine),
    deadLetters: async () => (await lines('dead_letter')).map((line) => JSON.parse(line) as DeadLetter),
    [Symbol.asyncDispose]: async () => {
      redis.disconnect();
    },
  };
}
