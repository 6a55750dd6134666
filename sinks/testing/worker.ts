import * as v from 'valibot';
import { systemClock } from '../../common/clock.ts';
import { silentLogger } from '../../common/logger.ts';
import { createRegistry } from '../../common/metrics.ts';
import { acquireClaim } from '../../common/redis/claim-scripts.ts';
import type { RedisClient } from '../../common/redis/connection.ts';
import { ensureGroup, groupsOf, sinkGroup } from '../../common/redis/groups.ts';
import { createKeys, STREAM_KINDS } from '../../common/redis/keys.ts';
import type { StreamKind } from '../../common/redis/keys.ts';
import { encodeEntries, fieldsOf } from '../../common/stream-entry.ts';
import { testRedisConfig } from '../../common/testing/redis-config.ts';
import { startRedis } from '../../common/testing/redis-server.ts';
import type { TestRedis } from '../../common/testing/redis-server.ts';
import { until } from '../../common/testing/until.ts';
import { batchConfigSchema } from '../config.ts';
import { createJoining } from '../joint/joining.ts';
import type { Joining } from '../joint/joining.ts';
import { createJointRecords } from '../joint/record.ts';
import { createSinkMetrics } from '../metrics.ts';
import type { Sink } from '../sink.ts';
import { carryStream } from '../sink-worker.ts';
import type { SinkWorkerDeps } from '../sink-worker.ts';
import { createPace } from '../pace.ts';
import type { Pace } from '../pace.ts';
import { lineOf } from './rows.ts';
import { createSlots } from '../slots.ts';
import type { Slots } from '../slots.ts';

/** Some partitions of a real Redis, and sink workers on them under claims of their own. */

export const PARTITIONS = 3;

export const NAME = 'store';
export const GROUP = sinkGroup(NAME);
export const keys = createKeys('tranweave');

export interface Lab extends AsyncDisposable {
  server: TestRedis;
  redis: RedisClient;
  reset(): Promise<void>;
  /** Rows as entries of so many rows; their ids. */
  append(
    kind: StreamKind,
    rows: readonly (object | string)[],
    perEntry?: number,
    partition?: number,
  ): Promise<string[]>;
  work(sink: Sink, options?: WorkOptions): Promise<Working>;
  isCaughtUp(kind?: StreamKind, partition?: number): Promise<boolean>;
  caughtUp(kind?: StreamKind, partition?: number): Promise<void>;
}

export interface WorkOptions {
  kind?: StreamKind;
  partition?: number;
  replica?: string;
  batch?: object;
  /** Works with the slots and the pace of this one, as another stream of the process; of the same partition, under its claim. */
  beside?: Working | undefined;
}

export interface Working {
  token: string;
  partition: number;
  slots: Slots;
  pace: Pace;
  joining: Joining | undefined;
  /** The claim's. */
  signal: AbortSignal;
  done: Promise<void>;
  /** What `onTrouble` was told, in order. */
  troubles: (string | undefined)[];
  progress(): number;
  /** A counter's sum over its labels. */
  counted(name: string): Promise<number>;
  /** Aborts the claim and lets it go, as a replica that stops. */
  stop(): Promise<void>;
  /** Only the claim is taken away, as from a replica that fell silent; it works on. */
  lose(): Promise<void>;
}

export async function openLab(): Promise<Lab> {
  const server = await startRedis();
  const redis = await server.client();
  const isCaughtUp = async (kind: StreamKind = 'log', partition = 0) => {
    const group = (await groupsOf(redis, keys.stream(partition, kind))).find(({ name }) => name === GROUP);
    return group?.lag === 0;
  };
  return {
    server,
    redis,
    append: (kind, rows, perEntry, partition) => append(redis, kind, rows, perEntry, partition),
    work: (sink, options) => work(server, redis, sink, options),
    isCaughtUp,
    caughtUp: (kind, partition) =>
      until('the sink has everything', () => isCaughtUp(kind, partition), 30_000),
    reset: async () => {
      await redis.flushall();
      for (let partition = 0; partition < PARTITIONS; partition += 1)
        for (const kind of STREAM_KINDS) await ensureGroup(redis, keys.stream(partition, kind), GROUP);
    },
    [Symbol.asyncDispose]: async () => {
      await server.stop();
    },
  };
}

async function append(
  redis: RedisClient,
  kind: StreamKind,
  rows: readonly (object | string)[],
  perEntry = 50,
  partition = 0,
): Promise<string[]> {
  const ids: string[] = [];
  const lines = rows.map((row) => ({ line: lineOf(kind, row) }));
  for (let at = 0; at < lines.length; at += perEntry) {
    for (const entry of encodeEntries(lines.slice(at, at + perEntry))) {
      ids.push(String(await redis.xadd(keys.stream(partition, kind), '*', ...fieldsOf(kind, entry))));
    }
  }
  return ids;
}

/** What all streams of a sink share in a process. */
function sharedOf(
  redis: RedisClient,
  { writeJoint }: Sink,
  batch: object,
): Pick<Working, 'pace' | 'slots' | 'joining'> {
  const config = v.parse(batchConfigSchema, { delay_max: '20ms', ...batch });
  const pace = createPace(config, { joint: writeJoint !== undefined });
  const slots = createSlots(() => pace.writes());
  if (writeJoint === undefined) return { pace, slots, joining: undefined };
  const records = createJointRecords(redis, keys, GROUP);
  const force = new AbortController().signal;
  const logger = silentLogger();
  const joining = createJoining({ writeJoint, records, pace, slots, clock: systemClock, logger, force });
  return { pace, slots, joining };
}

async function work(
  server: TestRedis,
  redis: RedisClient,
  sink: Sink,
  { kind = 'log', partition = 0, replica = 'a', batch = {}, beside }: WorkOptions = {},
): Promise<Working> {
  const claimKey = keys.claim(partition, GROUP);
  const token =
    beside?.partition === partition
      ? beside.token
      : (await acquireClaim(redis, claimKey, keys.epoch(partition, GROUP), replica, 60_000)).token;
  if (token === undefined) throw new Error('the claim is taken');
  const stop = new AbortController();
  const registry = createRegistry('sinks');
  const troubles: (string | undefined)[] = [];
  let progress = 0;
  const { pace, slots, joining } = beside ?? sharedOf(redis, sink, batch);
  const deps: SinkWorkerDeps = {
    sink,
    name: NAME,
    group: GROUP,
    redis,
    redisConfig: testRedisConfig(server),
    keys,
    pace,
    slots,
    joining,
    clock: systemClock,
    logger: silentLogger(),
    metrics: createSinkMetrics(registry),
    force: new AbortController().signal,
    onProgress: () => (progress += 1),
    onTurn: () => undefined,
    onIdle: () => undefined,
    onTrouble: (words) => troubles.push(words),
  };
  const done = carryStream(deps, { partition, token, signal: stop.signal }, kind);
  done.catch(() => undefined);
  const lose = async () => {
    await redis.del(claimKey);
  };
  return {
    token,
    partition,
    slots,
    pace,
    joining,
    signal: stop.signal,
    done,
    troubles,
    progress: () => progress,
    counted: async (name) => {
      const values = (await registry.getSingleMetric(name)?.get())?.values ?? [];
      return values.reduce((sum, { value }) => sum + value, 0);
    },
    stop: async () => {
      stop.abort();
      await done;
      await lose();
    },
    lose,
  };
}
