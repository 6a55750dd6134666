import { Redis } from 'ioredis';
import type { DeadLetter } from '../dead-letter.ts';
import { createKeys } from '../redis/keys.ts';
import type { StreamKind } from '../redis/keys.ts';
import { decodeEntry } from '../stream-entry.ts';
import type { Summary } from '../summary.ts';
import type { TrackingLog } from '../tracking-log.ts';

/** What the streams of a test's Redis hold, row by row. */
export interface TestStreams extends AsyncDisposable {
  redis: Redis;
  logs(): Promise<TrackingLog[]>;
  /** Every revision, in the order they were published. */
  summaries(): Promise<Summary[]>;
  deadLetters(): Promise<DeadLetter[]>;
}

export function openStreams(url: string, partitions: number, prefix = 'tranweave'): TestStreams {
  const redis = new Redis(url, { protocol: 2 });
  const keys = createKeys(prefix);
  async function rows<T>(kind: StreamKind): Promise<T[]> {
    const found: T[] = [];
    for (let partition = 0; partition < partitions; partition += 1) {
      const raw = await redis.xrangeBuffer(keys.stream(partition, kind), '-', '+');
      for (const entry of raw) {
        const { body } = decodeEntry(kind, entry);
        for (const line of body.toString().trimEnd().split('\n')) found.push(JSON.parse(line) as T);
      }
    }
    return found;
  }
  return {
    redis,
    logs: () => rows<TrackingLog>('log'),
    summaries: () => rows<Summary>('summary'),
    deadLetters: () => rows<DeadLetter>('dead_letter'),
    [Symbol.asyncDispose]: async () => {
      redis.disconnect();
    },
  };
}
