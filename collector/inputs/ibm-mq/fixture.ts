import * as v from 'valibot';
import { systemClock } from '../../../common/clock.ts';
import type { Clock } from '../../../common/clock.ts';
import type { DeadLetter } from '../../../common/dead-letter.ts';
import { createHealth } from '../../../common/health.ts';
import type { Health } from '../../../common/health.ts';
import { silentLogger } from '../../../common/logger.ts';
import { Registry } from '../../../common/metrics.ts';
import type { RedisClient } from '../../../common/redis/connection.ts';
import { createKeys } from '../../../common/redis/keys.ts';
import type { StreamKind } from '../../../common/redis/keys.ts';
import { rowsOfStreams } from '../../../common/testing/streams.ts';
import type { QueueServerOptions } from '../../../common/testing/ibm-mq/queue-server.ts';
import { startRedis } from '../../../common/testing/redis-server.ts';
import type { TestRedis } from '../../../common/testing/redis-server.ts';
import type { TrackingLog } from '../../../common/tracking-log.ts';
import { createAppender } from '../../append.ts';
import { pipelineOf } from '../../main.ts';
import { createCollectorMetrics } from '../../metrics.ts';
import { ibmMqInput } from '../ibm-mq.ts';
import type { InputDeps } from '../input.ts';
import { createTestQueueManager, PROCESS_FILE, QUEUES } from './queue-manager-fixture.ts';
import type { TestQueueManager } from './queue-manager-fixture.ts';
import { IbmMqInput } from './run.ts';

/** For the tests of the ibm-mq input: real inputs with their real MQ processes, a real Redis, and what was stored there. */

const PARTITIONS = 3;
const keys = createKeys('t');

/** Waiting costs a test nothing that it is not about. */
export const hastyClock: Clock = {
  now: () => systemClock.now(),
  sleep: (ms, signal) => systemClock.sleep(Math.min(ms, 20), signal),
};

export interface StartOptions {
  config?: Record<string, unknown>;
  deps?: Partial<InputDeps>;
  streamEntriesMax?: number;
  /** Whether the config says itself how the queue manager is reached. */
  only?: boolean;
}

export interface Running {
  input: IbmMqInput;
  force: AbortController;
  health: Health;
  failures: unknown[];
  metric(name: string): Promise<number>;
}

export interface MqFixture extends TestQueueManager {
  redisServer: TestRedis;
  redis: RedisClient;
  start(options?: StartOptions): Promise<Running>;
  create(options?: StartOptions): Running;
  logs(): Promise<TrackingLog[]>;
  /** Transaction ids of the stored logs, sorted. */
  ids(): Promise<string[]>;
  deadLetters(): Promise<DeadLetter[]>;
}

export async function createMqFixture(options: Partial<QueueServerOptions> = {}): Promise<MqFixture> {
  const queueManager = await createTestQueueManager(options);
  const redisServer = await startRedis();
  const redis = await redisServer.client();
  const running: Running[] = [];
  const create = (start: StartOptions = {}) => {
    const { client_library_dir, ...way } = queueManager.settings;
    const library = client_library_dir === undefined ? {} : { client_library_dir };
    const config = { ...library, ...(start.only === true ? {} : way), ...start.config };
    const one = createInput(redis, { ...start, config });
    running.push(one);
    return one;
  };
  const stopInputs = () => Promise.all(running.splice(0).map(({ input }) => input.stop()));
  return {
    ...queueManager,
    redisServer,
    redis,
    create,
    start: async (start) => {
      const one = create(start);
      await one.input.start();
      return one;
    },
    logs: () => rows<TrackingLog>(redis, 'log'),
    ids: async () => (await rows<TrackingLog>(redis, 'log')).map((log) => log.transaction_id).sort(),
    deadLetters: () => rows<DeadLetter>(redis, 'dead_letter'),
    clean: async () => {
      await stopInputs();
      await queueManager.clean();
      await redis.flushall();
    },
    end: async () => {
      await stopInputs();
      await redisServer.stop();
      await queueManager.end();
    },
  };
}

const DEFAULTS = { type: 'ibm-mq', name: 'mq', queues: [QUEUES.a], wait: '200ms', batch_wait: '20ms' };

function createInput(redis: RedisClient, options: StartOptions): Running {
  const registry = new Registry();
  const force = new AbortController();
  const failures: unknown[] = [];
  const health = createHealth(systemClock);
  const config = v.parse(ibmMqInput.config, { ...DEFAULTS, ...options.config });
  const deps: InputDeps = {
    name: 'mq',
    configKey: 'inputs[1]',
    node: 'n1',
    pipeline: pipelineOf(config, systemClock),
    appender: createAppender({
      redis,
      keys,
      partitions: PARTITIONS,
      streamEntriesMax: options.streamEntriesMax ?? 100_000,
      pendingBytesMax: 1e8,
    }),
    partitions: PARTITIONS,
    redis,
    keys,
    clock: hastyClock,
    logger: silentLogger(),
    metrics: createCollectorMetrics(registry),
    health,
    force: force.signal,
    fail: (error) => failures.push(error),
    ...options.deps,
  };
  return {
    input: new IbmMqInput(config, deps, PROCESS_FILE),
    force,
    health,
    failures,
    metric: async (name) => {
      const metric = await registry.getSingleMetric(name)?.get();
      return metric?.values.find(({ labels }) => labels['input'] === 'mq')?.value ?? 0;
    },
  };
}

function rows<T>(redis: RedisClient, kind: StreamKind): Promise<T[]> {
  return rowsOfStreams(redis, keys, PARTITIONS, kind);
}

/** A log as a program puts it. */
export function aLog(id: string, more: Record<string, unknown> = {}): string {
  return JSON.stringify({
    transaction_id: id,
    step: 'send',
    status: 'started',
    event_time: '2026-01-31T18:15:00+09:00',
    ...more,
  });
}
