import type { RedisClient } from '../../common/redis/connection.ts';
import type { Keys } from '../../common/redis/keys.ts';
import { loadScript } from '../../common/redis/scripts.ts';
import type { RefusedRow, SinkBatch } from '../sink.ts';
import { countBatch } from './count-batch.ts';
import type { CountingSettings } from './count-batch.ts';
import type { Tally } from './tally.ts';

/** Batches of a partition's streams → its buckets, each batch once. */

const addScript = loadScript(new URL('./add-counts.lua', import.meta.url));

/** Fields of a bucket: of more than these labels, bins and details the rest is counted as `(others)`. */
const FIELDS_MAX = 5000;
/** Failed transactions are remembered in hashes of so long, for so long in all, to take them off once they are cleared. */
const FAILURES_MS = 4 * 3_600_000;
const FAILURES_KEPT_MS = 28 * 3_600_000;
/** Of one such hash. */
const FAILURES_MAX = 50_000;

export interface CountingDeps {
  redis: RedisClient;
  keys: Keys;
  settings: CountingSettings;
  /** How long a bucket is kept after it was last changed. */
  keptMs: number;
}

/** Counts a batch. Throws a FencedError when another process has the stream. */
export function createCounting(deps: CountingDeps): (batch: SinkBatch) => Promise<readonly RefusedRow[]> {
  /** The time before which a partition counts nothing any more, as far as is known here. */
  const closed = new Map<number, number>();
  return async (batch) => {
    for (;;) {
      const { tally, refused } = countBatch(batch, closed.get(batch.partition) ?? 0, deps.settings);
      const answer = String(await add(deps, batch, tally));
      if (answer === 'ok') return refused;
      closed.set(batch.partition, Number(answer));
    }
  };
}

function add(
  { redis, keys, settings, keptMs }: CountingDeps,
  batch: SinkBatch,
  { buckets, changes }: Tally,
): Promise<unknown> {
  const { partition, stream, fence, token } = batch;
  const starts = [...new Set([...buckets.keys(), ...changes.map(({ bucket }) => bucket)])].sort(
    (a, b) => a - b,
  );
  const newest = Math.floor((starts.at(-1) ?? 0) / FAILURES_MS) * FAILURES_MS;
  const failures: string[] = [];
  for (let back = 0; back <= FAILURES_KEPT_MS; back += FAILURES_MS)
    failures.push(keys.alertFailures(partition, newest - back));
  const place = new Map(starts.map((start, at) => [start, 2 + failures.length + at]));
  const rowsOf = <T>(
    of: (bucket: Tally['buckets'] extends Map<number, infer B> ? B : never) => Map<string, T>,
  ) =>
    [...buckets].flatMap(([start, bucket]) =>
      [...of(bucket)].map(([field, value]) => [place.get(start) ?? 0, field, value] as const),
    );
  const counts = rowsOf(({ counts }) => counts);
  const details = rowsOf(({ details }) => details);
  const lasts = rowsOf(({ lasts }) => lasts);
  return addScript.run(
    redis,
    [
      keys.alertCounts(partition),
      ...failures,
      ...starts.map((start) => keys.alertBucket(partition, settings.bucketMs, start)),
    ],
    [
      stream,
      fence,
      token,
      starts[0] ?? Number.MAX_SAFE_INTEGER,
      keptMs,
      FAILURES_KEPT_MS,
      FIELDS_MAX,
      FAILURES_MAX,
      failures.length,
      counts.length,
      ...counts.flat(),
      details.length,
      ...details.flatMap(([bucket, field, detail]) => [bucket, field, JSON.stringify(detail)]),
      lasts.length,
      ...lasts.flat(),
      changes.length,
      ...changes.flatMap(({ id, bucket, failed }) => [id, place.get(bucket) ?? 0, bucket, failed ?? '']),
    ],
  );
}
