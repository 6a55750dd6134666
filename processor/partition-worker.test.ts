import { randomUUID } from 'node:crypto';
import * as v from 'valibot';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createAppender } from '../collector/append.ts';
import type { Clock } from '../common/clock.ts';
import { systemClock } from '../common/clock.ts';
import { FencedError } from '../common/errors.ts';
import { createFlowFinder, flowsEntries } from '../common/flow.ts';
import { silentLogger } from '../common/logger.ts';
import type { RedisClient } from '../common/redis/connection.ts';
import { acquireClaim } from '../common/redis/claim-scripts.ts';
import { ensureGroup, groupsOf, PROCESSOR_GROUP } from '../common/redis/groups.ts';
import { createKeys } from '../common/redis/keys.ts';
import { logToLine } from '../common/log-row.ts';
import { encodeEntries, fieldsOf } from '../common/stream-entry.ts';
import { createRegistry } from '../common/metrics.ts';
import { testRedisConfig } from '../common/testing/redis-config.ts';
import { startRedis } from '../common/testing/redis-server.ts';
import type { TestRedis } from '../common/testing/redis-server.ts';
import { openStreams } from '../common/testing/streams.ts';
import type { TestStreams } from '../common/testing/streams.ts';
import { until } from '../common/testing/until.ts';
import { checkTrackingLog } from '../common/tracking-log.ts';
import { processorConfigSchema } from './config.ts';
import { createOneByOne } from '../common/one-by-one.ts';
import { createGathering } from './gathering.ts';
import { createProcessorMetrics } from './metrics.ts';
import { workOnPartition } from './partition-worker.ts';

const keys = createKeys('tranweave');
const flows = v.parse(v.object(flowsEntries), {
  flows: [{ interface: 'order', steps: ['send', 'receive'], deadline: '1h' }],
});
let server: TestRedis;
let redis: RedisClient;
let streams: TestStreams;

beforeAll(async () => {
  server = await startRedis();
  redis = await server.client();
  streams = openStreams(server.url, 1);
});
beforeEach(async () => {
  await redis.flushall();
  await ensureGroup(redis, keys.stream(0, 'log'), PROCESSOR_GROUP);
});
afterAll(async () => {
  streams.redis.disconnect();
  await server.stop();
});

interface Said {
  transaction_id: string;
  step: string;
  status: string;
  event_id?: string;
}

async function append(...said: Said[]): Promise<void> {
  const appender = createAppender({
    redis,
    keys,
    partitions: 1,
    streamEntriesMax: 1000,
    pendingBytesMax: 1e6,
  });
  await appender.append(
    said.map((log) => {
      const record = { interface_id: 'order', event_time: '2026-01-31T09:15:00Z', ...log };
      const stamp = {
        event_id: randomUUID(),
        ingest_time: '2026-01-31T09:15:01.000000Z',
        channel: 'http',
        input: 'i',
      };
      return { kind: 'log', log: checkTrackingLog(record, stamp).log! };
    }),
  );
}

/** A worker on partition 0 under a claim of its own, until it is stopped. */
async function work(
  name: string,
  {
    clock = systemClock,
    config = {},
    onProgress = () => undefined,
  }: { clock?: Clock; config?: object; onProgress?: () => void } = {},
) {
  const { token } = await acquireClaim(
    redis,
    keys.claim(0, PROCESSOR_GROUP),
    keys.epoch(0, PROCESSOR_GROUP),
    name,
    60_000,
  );
  const controller = new AbortController();
  const registry = createRegistry('processor');
  const checked = v.parse(processorConfigSchema, config);
  const done = workOnPartition(
    {
      redis,
      redisConfig: testRedisConfig(server),
      keys,
      config: checked,
      findFlow: createFlowFinder(flows),
      gathering: createGathering(checked.merge_delay, () => 0),
      oneByOne: createOneByOne(),
      clock,
      logger: silentLogger(),
      metrics: createProcessorMetrics(registry),
      onProgress,
    },
    { partition: 0, token: token!, signal: controller.signal },
  );
  done.catch(() => undefined);
  return {
    done,
    registry,
    stop: async () => {
      controller.abort();
      await done;
      await redis.del(keys.claim(0, PROCESSOR_GROUP));
    },
  };
}

const isCaughtUp = async () => (await groupsOf(redis, keys.stream(0, 'log')))[0]?.lag === 0;
const newest = async (id: string) => (await streams.summaries()).findLast((s) => s.transaction_id === id);

describe('a worker on a partition', () => {
  test('merges logs into revisions that grow by one, in whatever order and however often they come', async () => {
    const worker = await work('a');
    const end = { transaction_id: 'T1', step: 'receive', status: 'succeeded', event_id: 'e2' };
    await append(end);
    await until('the first revision', async () => (await newest('T1'))?.version === 1);
    expect(await newest('T1')).toMatchObject({ status: 'in_progress', steps_finished: 1, steps_expected: 2 });
    await append(end, { transaction_id: 'T1', step: 'send', status: 'succeeded', event_id: 'e1' }, end);
    await until('completed', async () => (await newest('T1'))?.status === 'completed');
    await append(end);
    await until('the repetition was read', isCaughtUp);
    expect((await streams.summaries()).map((s) => s.version)).toEqual([1, 2]);
    await worker.stop();
  });

  test('goes on where another stopped, from what Redis keeps', async () => {
    const first = await work('a');
    await append({ transaction_id: 'T1', step: 'send', status: 'succeeded' });
    await until('caught up', isCaughtUp);
    await first.stop();
    await append({ transaction_id: 'T1', step: 'receive', status: 'failed' });
    const second = await work('b', { config: { cached_transactions_max: 0 } });
    await until('the second has it', async () => (await newest('T1'))?.version === 2);
    expect(await newest('T1')).toMatchObject({ status: 'failed', error_step: 'receive' });
    await second.stop();
  });

  test("whose claim is another one's changes nothing: the fence refuses it", async () => {
    const sleeper = await work('a');
    await redis.set(keys.claim(0, PROCESSOR_GROUP), '9:b');
    await append({ transaction_id: 'T1', step: 'send', status: 'succeeded' });
    await expect(sleeper.done).rejects.toThrow(FencedError);
    expect(await streams.summaries()).toEqual([]);
    expect(await redis.exists(keys.transaction(0, 'T1'))).toBe(0);
    expect(await isCaughtUp()).toBe(false);
  });

  test('waits while the sinks are too far behind, and loses nothing', async () => {
    const worker = await work('a', { config: { summary_entries_max: 10 } });
    for (let i = 0; i < 20; i += 1) {
      await append({ transaction_id: `T${i}`, step: 'send', status: 'succeeded' });
      await until(
        'read or waiting',
        async () => (await isCaughtUp()) || (await redis.xlen(keys.stream(0, 'summary'))) >= 10,
      );
    }
    expect(await isCaughtUp()).toBe(false);
    const before = await streams.summaries();
    await redis.xtrim(keys.stream(0, 'summary'), 'MAXLEN', 0);
    await until('caught up', isCaughtUp);
    const ids = [...before, ...(await streams.summaries())].map((s) => s.transaction_id);
    expect(new Set(ids).size).toBe(20);
    await worker.stop();
  });

  test('times out what its deadline passed, keeps that it was late, and lets a late log complete it', async () => {
    const now = { value: Date.now() };
    const clock: Clock = {
      now: () => now.value,
      sleep: (ms, signal) => systemClock.sleep(Math.min(ms, 10), signal),
    };
    const worker = await work('a', { clock });
    await append({ transaction_id: 'T1', step: 'send', status: 'succeeded' });
    await until('in progress', async () => (await newest('T1'))?.status === 'in_progress');
    now.value += 3_700_000;
    await until('timed out', async () => (await newest('T1'))?.status === 'timed_out');
    await append({ transaction_id: 'T1', step: 'receive', status: 'succeeded' });
    await until('completed', async () => (await newest('T1'))?.status === 'completed');
    expect(await newest('T1')).toMatchObject({ late: true, version: 3 });
    expect(await redis.zcard(keys.deadlines(0))).toBe(0);
    await worker.stop();
  });

  test('times out once what came late of a transaction whose deadline is remembered and nothing else', async () => {
    const hoursAgo = (hours: number) => systemClock.now() - hours * 3_600_000;
    await redis.zadd(keys.deadlines(0), hoursAgo(5), 'T1');
    for (const [hours, step] of [
      [3, 'send'],
      [1, 'note'],
    ] as const) {
      const said = { transaction_id: 'T1', interface_id: 'order', step, status: 'succeeded' };
      const stamp = {
        event_id: step,
        ingest_time: '2026-01-31T09:15:01.000000Z',
        channel: 'http',
        input: 'i',
      };
      const { log } = checkTrackingLog({ ...said, event_time: '2026-01-31T09:15:00Z' }, stamp);
      const [entry] = encodeEntries([{ line: logToLine(log!) }]);
      await redis.xadd(keys.stream(0, 'log'), `${hoursAgo(hours)}-0`, ...fieldsOf('log', entry!));
    }
    let turns = 0;
    const worker = await work('a', { onProgress: () => (turns += 1) });
    await until('it had some turns', async () => turns > 3 && (await isCaughtUp()));
    const told = await streams.summaries();
    expect(told.every(({ status }) => status === 'timed_out')).toBe(true);
    expect(told.length).toBeLessThanOrEqual(2);
    expect(await redis.zcard(keys.deadlines(0))).toBe(0);
    await worker.stop();
  });

  test('that sleeps past a deadline does not call late what came in time while it slept', async () => {
    const now = { value: Date.now() };
    const clock: Clock = { now: () => now.value, sleep: (ms, signal) => systemClock.sleep(ms, signal) };
    let asleep = false;
    let appended: Promise<void> | undefined;
    const worker = await work('a', {
      clock,
      onProgress: () => {
        if (!asleep) return;
        // It has just been told that nothing is left to read; when it goes on, that is two hours ago.
        asleep = false;
        now.value += 7_200_000;
        appended = append({ transaction_id: 'T1', step: 'receive', status: 'succeeded' });
      },
    });
    await append({ transaction_id: 'T1', step: 'send', status: 'succeeded' });
    await until('in progress', async () => (await newest('T1'))?.status === 'in_progress');
    asleep = true;
    await until('it slept', () => !asleep);
    await appended;
    await until('completed', async () => (await newest('T1'))?.status === 'completed');
    expect((await streams.summaries()).map((s) => [s.version, s.late])).toEqual([
      [1, false],
      [2, false],
    ]);
    await worker.stop();
  });

  test('counts entries that were deleted before it could read them', async () => {
    await append({ transaction_id: 'T1', step: 'send', status: 'succeeded' });
    await append({ transaction_id: 'T2', step: 'send', status: 'succeeded' });
    await redis.xtrim(keys.stream(0, 'log'), 'MAXLEN', 1);
    const worker = await work('a');
    await until('T2 is merged', async () => (await newest('T2')) !== undefined);
    expect(await worker.registry.getSingleMetricAsString('tranweave_processor_lost_entries_total')).toContain(
      'total 1',
    );
    await worker.stop();
  });
});
