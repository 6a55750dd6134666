import * as v from 'valibot';
import { systemClock } from '../../../common/clock.ts';
import type { DeadLetter } from '../../../common/dead-letter.ts';
import { createHealth } from '../../../common/health.ts';
import { silentLogger } from '../../../common/logger.ts';
import { createRegistry } from '../../../common/metrics.ts';
import type { Registry } from '../../../common/metrics.ts';
import type { RedisClient } from '../../../common/redis/connection.ts';
import { createKeys } from '../../../common/redis/keys.ts';
import type { StreamKind } from '../../../common/redis/keys.ts';
import { rowsOfStreams } from '../../../common/testing/streams.ts';
import { startRedis } from '../../../common/testing/redis-server.ts';
import type { TestRedis } from '../../../common/testing/redis-server.ts';
import { timestampFromMillis } from '../../../common/timestamp.ts';
import { checkTrackingLog } from '../../../common/tracking-log.ts';
import type { TrackingLog } from '../../../common/tracking-log.ts';
import { createAppender } from '../../append.ts';
import { createCollectorMetrics } from '../../metrics.ts';
import type { RecordPipeline } from '../../outcome.ts';
import { httpInput } from '../http.ts';
import type { Input, InputDeps } from '../input.ts';

/** For the tests of the http input: real inputs on free ports over a real Redis, and what they stored there. */

const PARTITIONS = 2;
export const keys = createKeys('t');

/** Validation alone, in place of the collector's pipeline; a record with `skip` is left out. */
export const plainPipeline: RecordPipeline = {
  usesHeader: true,
  maskLetter: (letter) => letter,
  fromStandardLine: () => undefined,
  fromBytes: () => [],
  fromFields: (fields, origin, raw) => {
    if (fields['skip'] === true) return [{ kind: 'skip' }];
    const ingest_time = timestampFromMillis(systemClock.now());
    const stamp = { event_id: origin.event_id, ingest_time, channel: 'http', input: 'web' };
    const { log, issues } = checkTrackingLog(fields, stamp);
    if (log !== undefined) return [{ kind: 'log', log }];
    const reason = issues.map((issue) => `${issue.field} ${issue.reason}`).join('; ');
    const raw_base64 = raw().toString('base64');
    return [
      {
        kind: 'dead_letter',
        dead_letter: { ...stamp, stage: 'validate', reason, raw_base64, meta: origin.meta },
        issues,
      },
    ];
  },
};

export interface Running {
  input: Input;
  url: string;
  port: number;
  registry: Registry;
  force: AbortController;
  /** POST /v1/logs. */
  post: (body: string | Buffer, headers?: Record<string, string>) => Promise<Posted>;
  /** Sum of a counter of the input. */
  counter: (name: string) => Promise<number>;
}

export interface Posted {
  status: number;
  headers: Headers;
  body: {
    error?: string;
    accepted?: number;
    skipped?: number;
    rejected_count?: number;
    rejected?: { index: number; event_id: string; issues: { field: string; reason: string }[] }[];
  };
}

export interface StartOptions {
  config?: Record<string, unknown>;
  deps?: Partial<InputDeps>;
  streamEntriesMax?: number;
}

export interface Fixture {
  server: TestRedis;
  redis: RedisClient;
  start(options?: StartOptions): Promise<Running>;
  logs(): Promise<TrackingLog[]>;
  deadLetters(): Promise<DeadLetter[]>;
  /** Stops every input that was started. */
  stopInputs(): Promise<void>;
  end(): Promise<void>;
}

export async function createFixture(): Promise<Fixture> {
  const server = await startRedis();
  const redis = await server.client();
  const running: Running[] = [];
  const stopInputs = async () => {
    await Promise.all(running.splice(0).map(({ input }) => input.stop()));
  };
  return {
    server,
    redis,
    start: async (options = {}) => {
      const one = await startInput(redis, options);
      running.push(one);
      return one;
    },
    logs: () => rows<TrackingLog>(redis, 'log'),
    deadLetters: () => rows<DeadLetter>(redis, 'dead_letter'),
    stopInputs,
    end: async () => {
      await stopInputs();
      await server.stop();
    },
  };
}

/** An input as the collector makes it, not started. */
export function createInput(redis: RedisClient, options: StartOptions = {}) {
  const registry = createRegistry('test');
  const force = new AbortController();
  const config = v.parse(httpInput.config, { type: 'http', name: 'web', port: 0, ...options.config });
  const input = httpInput.create(config, {
    name: 'web',
    configKey: 'inputs[1]',
    node: 'n1',
    pipeline: plainPipeline,
    appender: createAppender({
      redis,
      keys,
      partitions: PARTITIONS,
      streamEntriesMax: options.streamEntriesMax ?? 1000,
      pendingBytesMax: 1e8,
    }),
    partitions: PARTITIONS,
    redis,
    keys,
    clock: systemClock,
    logger: silentLogger(),
    metrics: createCollectorMetrics(registry),
    health: createHealth(systemClock),
    force: force.signal,
    fail: (error) => {
      throw error;
    },
    ...options.deps,
  });
  return { input, registry, force };
}

async function startInput(redis: RedisClient, options: StartOptions): Promise<Running> {
  const { input, registry, force } = createInput(redis, options);
  await input.start();
  const url = input.address?.() ?? '';
  return {
    input,
    url,
    port: Number(new URL(url).port),
    registry,
    force,
    post: async (body, headers = {}) => {
      const response = await fetch(url, {
        method: 'POST',
        body,
        headers: { 'content-type': 'application/json', ...headers },
      });
      return {
        status: response.status,
        headers: response.headers,
        body: (await response.json()) as Posted['body'],
      };
    },
    counter: async (name) => {
      const metric = await registry.getSingleMetric(name)?.get();
      return metric?.values.find(({ labels }) => labels['input'] === 'web')?.value ?? 0;
    },
  };
}

function rows<T>(redis: RedisClient, kind: StreamKind): Promise<T[]> {
  return rowsOfStreams(redis, keys, PARTITIONS, kind);
}

/** A log as a sender writes it. */
export function aLog(id: string, more: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    transaction_id: id,
    step: 'send',
    status: 'started',
    event_time: '2026-01-31T18:15:00+09:00',
    ...more,
  };
}
