import { appendFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as v from 'valibot';
import { afterAll, afterEach, beforeAll, beforeEach, expect } from 'vitest';
import { systemClock } from '../../../common/clock.ts';
import type { Clock } from '../../../common/clock.ts';
import type { DeadLetter } from '../../../common/dead-letter.ts';
import { createHealth } from '../../../common/health.ts';
import { silentLogger } from '../../../common/logger.ts';
import { Registry } from '../../../common/metrics.ts';
import type { RedisClient } from '../../../common/redis/connection.ts';
import { createKeys } from '../../../common/redis/keys.ts';
import type { StreamKind } from '../../../common/redis/keys.ts';
import { rowsOfStreams } from '../../../common/testing/streams.ts';
import { startRedis } from '../../../common/testing/redis-server.ts';
import type { TestRedis } from '../../../common/testing/redis-server.ts';
import { checkTrackingLog } from '../../../common/tracking-log.ts';
import type { TrackingLog } from '../../../common/tracking-log.ts';
import { createAppender } from '../../append.ts';
import { createCollectorMetrics } from '../../metrics.ts';
import type { RawRecord, RecordPipeline } from '../../outcome.ts';
import { FileInput } from './run.ts';
import type { FileSystem } from './run.ts';
import { fileInput } from '../file.ts';
import type { InputDeps } from '../input.ts';

/** For the tests of the file input: real files, a real Redis and the real appender, and what was stored. */

export const PARTITIONS = 3;
export const keys = createKeys('t');

/** Waiting costs a test nothing that it is not about. */
export const hastyClock: Clock = {
  now: () => systemClock.now(),
  sleep: (ms, signal) => systemClock.sleep(Math.min(ms, 10), signal),
};

/** JSON and validation alone, in place of the collector's pipeline. */
export function plainPipeline(seen: (record: RawRecord) => void = () => {}): RecordPipeline {
  return {
    usesHeader: true,
    maskLetter: (letter) => letter,
    fromStandardLine: () => undefined,
    fromBytes: (record) => {
      seen(record);
      const ingest_time = '2026-01-31T09:15:00.000000Z';
      const stamp = { event_id: record.event_id, ingest_time, channel: 'file', input: 'in' };
      let reason: string;
      try {
        const fields = JSON.parse(record.bytes.toString()) as Record<string, unknown>;
        if (fields['skip'] === true) return [{ kind: 'skip' }];
        const { log, issues } = checkTrackingLog(fields, stamp);
        if (log !== undefined) return [{ kind: 'log', log }];
        reason = issues.map((issue) => `${issue.field} ${issue.reason}`).join('; ');
      } catch (error) {
        reason = String(error);
      }
      const raw_base64 = record.bytes.toString('base64');
      return [
        {
          kind: 'dead_letter',
          dead_letter: { ...stamp, stage: 'decode', reason, raw_base64, meta: record.meta },
          issues: [],
        },
      ];
    },
    fromFields: () => [],
  };
}

export interface StartOptions extends FileSystem {
  config?: Record<string, unknown>;
  deps?: Partial<InputDeps>;
  redis?: RedisClient;
  streamEntriesMax?: number;
}

export interface Running {
  input: FileInput;
  registry: Registry;
  force: AbortController;
  failures: unknown[];
  /** Value of a counter or gauge of the input. */
  metric(name: string): Promise<number>;
}

export interface Fixture {
  server: TestRedis;
  redis: RedisClient;
  /** An input over `<dir>/*.log`, started. */
  start(dir: string, options?: StartOptions): Promise<Running>;
  /** The same, not started. */
  create(dir: string, options?: StartOptions): Running;
  logs(): Promise<TrackingLog[]>;
  deadLetters(): Promise<DeadLetter[]>;
  /** Transaction ids of the stored logs, sorted; of another Redis if given. */
  ids(from?: RedisClient): Promise<string[]>;
  /** Stops every input that was started and removes every folder. */
  clean(): Promise<void>;
  tempDir(): Promise<string>;
  end(): Promise<void>;
}

/** What a test of files begins with: a folder of its own, and a log in it that is not there yet. */
export interface Given {
  fixture: Fixture;
  dir: string;
  log: string;
}

/** For all tests of a file: one Redis, and each test hears of what it is given before it begins. */
export function inFoldersOfTheirOwn(begin: (given: Given) => void): void {
  let fixture: Fixture;
  beforeAll(async () => {
    fixture = await createFixture();
  });
  beforeEach(async () => {
    const dir = await fixture.tempDir();
    begin({ fixture, dir, log: join(dir, 'a.log') });
  });
  afterEach(() => fixture.clean());
  afterAll(() => fixture.end());
}

export async function createFixture(): Promise<Fixture> {
  const server = await startRedis();
  const redis = await server.client();
  const running: Running[] = [];
  const dirs: string[] = [];
  const logs = (from = redis) => rows<TrackingLog>(from, 'log');
  const clean = async () => {
    await Promise.all(running.splice(0).map(({ input }) => input.stop()));
    await Promise.all(dirs.splice(0).map((dir) => rm(dir, { recursive: true, force: true })));
    await redis.flushall();
    await redis.hset(keys.meta(), 'partitions', String(PARTITIONS));
  };
  const create = (dir: string, options: StartOptions = {}) => {
    const one = createInput(redis, dir, options);
    running.push(one);
    return one;
  };
  return {
    server,
    redis,
    create,
    start: async (dir, options) => {
      const one = create(dir, options);
      await one.input.start();
      return one;
    },
    logs: () => logs(),
    deadLetters: () => rows<DeadLetter>(redis, 'dead_letter'),
    ids: async (from) => (await logs(from)).map((log) => log.transaction_id).sort(),
    clean,
    tempDir: async () => {
      const dir = await mkdtemp(join(tmpdir(), 'tranweave-files-'));
      dirs.push(dir);
      return dir;
    },
    end: async () => {
      await clean();
      await server.stop();
    },
  };
}

function createInput(shared: RedisClient, dir: string, options: StartOptions): Running {
  const redis = options.redis ?? shared;
  const registry = new Registry();
  const force = new AbortController();
  const failures: unknown[] = [];
  const config = v.parse(fileInput.config, {
    type: 'file',
    name: 'in',
    paths: [join(dir, '*.log')],
    scan_interval: '10ms',
    ...options.config,
  });
  const appender = createAppender({
    redis,
    keys,
    partitions: PARTITIONS,
    streamEntriesMax: options.streamEntriesMax ?? 100_000,
    pendingBytesMax: 1e8,
  });
  const deps: InputDeps = {
    name: 'in',
    configKey: 'inputs[1]',
    node: 'n1',
    pipeline: plainPipeline(),
    appender,
    partitions: PARTITIONS,
    redis,
    keys,
    clock: hastyClock,
    logger: silentLogger(),
    metrics: createCollectorMetrics(registry),
    health: createHealth(hastyClock),
    force: force.signal,
    fail: (error) => failures.push(error),
    ...options.deps,
  };
  return {
    input: new FileInput(config, deps, options),
    registry,
    force,
    failures,
    metric: async (name) => {
      const metric = await registry.getSingleMetric(name)?.get();
      return metric?.values.find(({ labels }) => labels['input'] === 'in')?.value ?? 0;
    },
  };
}

function rows<T>(redis: RedisClient, kind: StreamKind): Promise<T[]> {
  return rowsOfStreams(redis, keys, PARTITIONS, kind);
}

/** The line of a log, without its newline; `padding` makes it longer. */
export function line(id: string, padding = 0): string {
  return JSON.stringify({
    transaction_id: id,
    step: 'send',
    status: 'started',
    event_time: '2026-01-31T18:15:00+09:00',
    ...(padding > 0 ? { error_message: 'x'.repeat(padding) } : {}),
  });
}

/** Lines of the logs `<prefix>0000` and on, and those ids. */
export function linesOf(prefix: string, from: number, to: number): { text: string; ids: string[] } {
  const ids = Array.from({ length: to - from }, (_, i) => `${prefix}${String(from + i).padStart(4, '0')}`);
  return { text: ids.map((id) => `${line(id)}\n`).join(''), ids };
}

export async function appendLines(path: string, prefix: string, from: number, to: number): Promise<string[]> {
  const { text, ids } = linesOf(prefix, from, to);
  await appendFile(path, text);
  return ids;
}

/** Resolves when exactly the logs of these transactions are stored. */
export async function untilStored(fixture: Fixture, ids: readonly string[], ms = 10_000): Promise<void> {
  const expected = [...ids].sort();
  const text = expected.join();
  // Compared cheaply: to explain the difference at every look would keep what is tested from its work.
  const found = await until(async () => (await fixture.ids()).join() === text, ms).catch(() => fixture.ids());
  if (found !== undefined) expect(found).toEqual(expected);
}

/** Resolves when the condition holds. Throws what the last look at it threw when it does not in time. */
export async function until(condition: () => unknown, ms = 10_000): Promise<void> {
  const deadline = systemClock.now() + ms;
  for (;;) {
    try {
      if ((await condition()) !== false) return;
      if (systemClock.now() > deadline) throw new Error('it did not come to be');
    } catch (error) {
      if (systemClock.now() > deadline) throw error;
    }
    await systemClock.sleep(10);
  }
}

export type Fault = 'before' | 'after' | 'hang' | undefined;
const COMMANDS = new Set(['callBuffer', 'hset', 'hget', 'hsetnx', 'hscan']);

/** A connection that fails before a command has reached Redis, after it took effect there, or never answers. */
export function failing(redis: RedisClient, fault: () => Fault): RedisClient {
  return new Proxy(redis, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== 'function') return value;
      const call = (...args: unknown[]) => Reflect.apply(value, target, args) as Promise<unknown>;
      if (!COMMANDS.has(String(name))) return call;
      return async (...args: unknown[]) => {
        const chosen = fault();
        if (chosen === 'hang') return new Promise(() => {});
        if (chosen === 'before') throw new Error('connection lost');
        const result = await call(...args);
        if (chosen === 'after') throw new Error('connection lost');
        return result;
      };
    },
  });
}
