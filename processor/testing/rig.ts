import { randomUUID } from 'node:crypto';
import * as v from 'valibot';
import { createAppender } from '../../collector/append.ts';
import { systemClock } from '../../common/clock.ts';
import { flowsEntries } from '../../common/flow.ts';
import { partitionOf } from '../../common/partition.ts';
import type { RedisClient } from '../../common/redis/connection.ts';
import { ensureGroups, groupsOf } from '../../common/redis/groups.ts';
import type { SinkStreams } from '../../common/redis/groups.ts';
import { createKeys } from '../../common/redis/keys.ts';
import { testRedisConfig } from '../../common/testing/redis-config.ts';
import type { TestRedis } from '../../common/testing/redis-server.ts';
import { startRole } from '../../common/testing/role.ts';
import type { TestRole } from '../../common/testing/role.ts';
import { openStreams } from '../../common/testing/streams.ts';
import type { TestStreams } from '../../common/testing/streams.ts';
import { until } from '../../common/testing/until.ts';
import { timestampFromMillis } from '../../common/timestamp.ts';
import { checkTrackingLog } from '../../common/tracking-log.ts';
import { processorConfigSchema } from '../config.ts';
import { startProcessor } from '../main.ts';

/** Real processors over the two partitions of a test's Redis, what they are sent, and what they made of it. */

export const PARTITIONS = 2;
export const keys = createKeys('tranweave');
/** Whose flow they are: completed after these two steps. */
const STEPS = ['send', 'receive'];

const flows = v.parse(v.object(flowsEntries), {
  flows: [{ interface: 'order', steps: STEPS, deadline: '1h' }],
});

export interface StartOptions {
  /** The section `processor:`. */
  config?: object;
  sinks?: readonly SinkStreams[];
  /** How it logs in to Redis. */
  user?: { username: string; password: string };
}

export interface Rig extends AsyncDisposable {
  redis: RedisClient;
  streams: TestStreams;
  /** Empties Redis. */
  reset(): Promise<void>;
  start(options?: StartOptions): Promise<TestRole>;
  /** One log of each transaction; tried again until Redis takes them. */
  send(ids: readonly string[], step: string): Promise<void>;
  /** Resolves when all of them are completed. */
  completed(ids: readonly string[]): Promise<void>;
  caughtUp(): Promise<void>;
  /** Revisions that were published more than once under one number; none if every log was merged once. */
  doubled(): Promise<string[]>;
}

/** So many transactions that live in the partition, with names of their own. */
export function idsIn(partition: number, count: number, prefix = 'T'): string[] {
  const ids: string[] = [];
  for (let i = 0; ids.length < count; i += 1) {
    if (partitionOf(`${prefix}${i}`, PARTITIONS) === partition) ids.push(`${prefix}${i}`);
  }
  return ids;
}

export async function openRig(server: TestRedis): Promise<Rig> {
  const redis = await server.client();
  const streams = openStreams(server.url, PARTITIONS);
  const logStreams = Array.from({ length: PARTITIONS }, (_, partition) => keys.stream(partition, 'log'));
  const isCaughtUp = async () => {
    const groups = (await Promise.all(logStreams.map((stream) => groupsOf(redis, stream)))).flat();
    return groups.length === PARTITIONS && groups.every(({ lag }) => lag === 0);
  };
  const revisions = async () => (await streams.summaries()).map((s) => `${s.transaction_id}/${s.version}`);
  return {
    redis,
    streams,
    reset: async () => {
      await redis.flushall();
      await ensureGroups(redis, keys, PARTITIONS, [], () => undefined);
    },
    start: ({ config = {}, sinks = [], user = {} } = {}) =>
      startRole((parts) =>
        startProcessor({
          ...parts,
          shared: { partitions: PARTITIONS, redis: { ...testRedisConfig(server), ...user }, groups: sinks },
          config: v.parse(processorConfigSchema, { merge_delay: '20ms', admin: { port: 0 }, ...config }),
          claims: { ttl: 3_000, heartbeat: 100 },
          flows,
        }),
      ),
    send: (ids, step) => send(redis, ids, step),
    completed: (ids) =>
      until('all are completed', async () => {
        const summaries = await streams.summaries();
        const done = new Set(summaries.filter((s) => s.status === 'completed').map((s) => s.transaction_id));
        return ids.every((id) => done.has(id));
      }),
    caughtUp: () => until('every log is merged', isCaughtUp),
    doubled: async () => {
      const all = await revisions();
      return all.filter((revision, index) => all.indexOf(revision) !== index);
    },
    [Symbol.asyncDispose]: async () => {
      streams.redis.disconnect();
    },
  };
}

async function send(redis: RedisClient, ids: readonly string[], step: string): Promise<void> {
  const appender = createAppender({
    redis,
    keys,
    partitions: PARTITIONS,
    streamEntriesMax: 10_000,
    pendingBytesMax: 1e7,
  });
  const now = timestampFromMillis(systemClock.now());
  for (const id of ids) {
    const stamp = { event_id: randomUUID(), ingest_time: now, channel: 'http', input: 'i' };
    const said = { transaction_id: id, interface_id: 'order', step, status: 'succeeded', event_time: now };
    await appender.append([{ kind: 'log', log: checkTrackingLog(said, stamp).log! }]);
  }
}
