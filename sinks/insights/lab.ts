import { systemClock } from '../../common/clock.ts';
import { silentLogger } from '../../common/logger.ts';
import { createRegistry } from '../../common/metrics.ts';
import { acquireClaim } from '../../common/redis/claim-scripts.ts';
import type { RedisClient } from '../../common/redis/connection.ts';
import { createKeys } from '../../common/redis/keys.ts';
import type { Keys } from '../../common/redis/keys.ts';
import { encodeEntries, fieldsOf } from '../../common/stream-entry.ts';
import { summaryFromRow, summaryToLine } from '../../common/summary-row.ts';
import type { SummaryRow } from '../../common/summary-row.ts';
import { testRedisConfig } from '../../common/testing/redis-config.ts';
import { startRedis } from '../../common/testing/redis-server.ts';
import type { TestRedis } from '../../common/testing/redis-server.ts';
import type { RedisSinkDeps } from '../redis-sink.ts';
import type { Sink, SinkBatch } from '../sink.ts';
import type { InsightConfig } from './config.ts';
import { combineWhileClaimed } from './combiner.ts';
import { definitionOf } from './definition.ts';
import { createDefinitions } from './definitions.ts';
import { createInsightMetrics } from './metrics.ts';
import { insightsSink } from './sink.ts';

/** For tests: the insights' sink on a real Redis, with its claims in the test's hands. */
export interface Lab extends AsyncDisposable {
  server: TestRedis;
  redis: RedisClient;
  keys: Keys;
  /** Forgets everything. */
  reset(): Promise<void>;
  sink(partitions: number, ...insights: InsightConfig[]): Sink;
  /** One turn of putting partitions together, under a claim of its own. */
  combine(partitions: number, ...insights: InsightConfig[]): Promise<void>;
  /** Rows for lookups, of all windows. */
  rows(name: string): Promise<Record<string, unknown>[]>;
}

export async function createLab(): Promise<Lab> {
  const server = await startRedis();
  const config = testRedisConfig(server);
  const redis = await server.client();
  const keys = createKeys('tranweave');
  const base = { redis, keys, clock: systemClock, logger: silentLogger() };
  return {
    server,
    redis,
    keys,
    reset: async () => {
      await redis.flushall();
    },
    sink: (partitions, ...insights) => {
      const deps: RedisSinkDeps = {
        ...base,
        name: 'insights',
        redisConfig: config,
        partitions,
        registry: createRegistry('sinks'),
        stopping: new AbortController().signal,
        runAlone: () => Promise.resolve(),
        addTrouble: () => undefined,
        fail: () => undefined,
      };
      return insightsSink(insights, undefined).create(deps);
    },
    combine: async (partitions, ...insights) => {
      const definitions = createDefinitions({
        ...base,
        partitions,
        definitions: insights.map(definitionOf),
        onBegun: () => undefined,
      });
      await definitions.record();
      await redis.del(keys.claim(0, 'combiner'));
      const { token = '' } = await acquireClaim(
        redis,
        keys.claim(0, 'combiner'),
        keys.epoch(0, 'combiner'),
        'test',
        60_000,
      );
      const ending = new AbortController();
      const metrics = createInsightMetrics(createRegistry('sinks'));
      await combineWhileClaimed(
        { ...base, partitions, group: 'sink:insights', definitions, withTable: true, metrics },
        { partition: 0, token, signal: ending.signal },
        () => ending.abort(),
      );
    },
    rows: async (name) => {
      const found = await redis.keys(keys.insightLookup(name, '*'));
      const hashes = await Promise.all(found.sort().map((key) => redis.hgetall(key)));
      return hashes.flatMap((hash) =>
        Object.entries(hash).flatMap(([field, json]) =>
          field.startsWith('@') ? [] : [JSON.parse(json) as Record<string, unknown>],
        ),
      );
    },
    [Symbol.asyncDispose]: () => server.stop(),
  };
}

/** @param at when it was published, ms since 1970. @param rows summaries, or lines as they are. */
export function batchOf(
  partition: number,
  token: string,
  at: number,
  rows: readonly (SummaryRow | string)[],
  fence = 1,
): SinkBatch {
  const lines = rows.map((row) => (typeof row === 'string' ? row : summaryToLine(summaryFromRow(row))));
  const entries = encodeEntries(lines.map((line) => ({ line }))).map((entry, index) => ({
    id: `${at}-${index}`,
    rows: entry.rows,
    body: Buffer.from(entry.body),
    fields: [],
  }));
  const chunks = entries.map(({ body }) => body);
  const bytes = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  return {
    stream: 'summary',
    partition,
    fence,
    token,
    repeated: false,
    entries,
    chunks,
    rows: rows.length,
    bytes,
  };
}

/** A partition's summary stream that its group has read, so that it counts as counted up to now. */
export async function caughtUp({ redis, keys }: Lab, partition: number): Promise<void> {
  const [entry] = encodeEntries([{ line: '{}' }]);
  const stream = keys.stream(partition, 'summary');
  if (entry !== undefined) await redis.xadd(stream, '*', ...fieldsOf('summary', entry));
  await redis.xgroup('CREATE', stream, 'sink:insights', '$');
}
