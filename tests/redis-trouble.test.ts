import { mkdir, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { errorCode } from '../common/redis/redis-error.ts';
import { until } from '../common/testing/until.ts';
import { createInProcess } from './support/in-process.ts';
import type { InProcess } from './support/in-process.ts';

/**
 * What may befall Redis, with logs on their way through all roles: senders are told to come back, files wait, and in the end every
 * log is there once and every count is right. The lines cited are those of docs/redis-streams.md.
 */

const COUNT = 20;
/** Of the redis-server, when it is started again. */
const redisArgs: string[] = [];
let landscape: InProcess;

beforeAll(async () => {
  landscape = await createInProcess({ redisArgs });
  await until('the store is open', async () => (await landscape.roles.sinks.reasons()).length === 0);
});
afterAll(() => landscape[Symbol.asyncDispose]());

/** Begins the trouble; returns what ends it. */
type Trouble = () => Promise<() => Promise<unknown>>;

const call = (...words: string[]) => landscape.admin.call(words[0]!, ...words.slice(1));
/** Resolves when Redis answers a write with this error. */
const answers = (code: string) =>
  until(`Redis answers ${code}`, async () => {
    try {
      await call('SET', 'probe', 'x');
      return false;
    } catch (error) {
      return errorCode(error) === code;
    }
  });
const config = (name: string, value: string) => call('CONFIG', 'SET', name, value);

/** Other clients wait until it has read its files; this one asks at once. */
async function untilLoading(): Promise<void> {
  const client = landscape.admin.duplicate({ enableReadyCheck: false, retryStrategy: () => 20 });
  client.on('error', () => undefined);
  const code = await client.xlen('s').then(String, errorCode);
  client.disconnect();
  expect(code).toBe('LOADING');
}

async function replica(): Promise<() => Promise<unknown>> {
  await call('REPLICAOF', '127.0.0.1', '1');
  await answers('READONLY');
  return () => call('REPLICAOF', 'NO', 'ONE');
}

/** Nothing can be written: not even claims, so all of them are lost. */
const REFUSING: [string, Trouble][] = [
  ['R21, R22: is made a replica of another and master again (READONLY, UNBLOCKED)', replica],
  [
    'R27: is a replica without its master (MASTERDOWN)',
    async () => {
      await config('replica-serve-stale-data', 'no');
      const end = await replica();
      await expect(call('XLEN', 's')).rejects.toThrow('MASTERDOWN');
      return async () => {
        await end();
        await config('replica-serve-stale-data', 'yes');
      };
    },
  ],
  [
    'R27: has too few replicas (NOREPLICAS)',
    async () => {
      await config('min-replicas-to-write', '1');
      await answers('NOREPLICAS');
      return () => config('min-replicas-to-write', '0');
    },
  ],
  [
    'R27: cannot write its files (MISCONF)',
    async () => {
      const inTheWay = join(landscape.dir, 'dump.rdb');
      await mkdir(inTheWay);
      await config('save', '3600 1000000');
      await call('BGSAVE');
      await answers('MISCONF');
      return async () => {
        await rmdir(inTheWay);
        await call('BGSAVE');
        await until('it can write again', async () =>
          String(await call('INFO', 'persistence')).includes('rdb_last_bgsave_status:ok'),
        );
        await config('save', '');
      };
    },
  ],
  [
    'R27: is busy with a script of somebody (BUSY)',
    async () => {
      await config('busy-reply-threshold', '50');
      const other = landscape.admin.duplicate();
      const busy = other.eval('while true do end', 0).catch(() => undefined);
      await answers('BUSY');
      return async () => {
        await call('SCRIPT', 'KILL');
        await busy;
        other.disconnect();
      };
    },
  ],
  [
    'R27: is killed, and reads its files for a while when it is back (LOADING)',
    async () => {
      // So much to read that it looks up from it now and then: that is when it answers.
      const pipeline = landscape.admin.pipeline();
      for (let i = 0; i < 6_000; i += 1) pipeline.set('read', String(i));
      await pipeline.exec();
      await landscape.server.kill();
      return async () => {
        redisArgs.push('--key-load-delay', '400');
        const restarted = landscape.server.restart();
        await untilLoading();
        await restarted;
        redisArgs.splice(-2);
      };
    },
  ],
  [
    'is killed',
    async () => {
      await landscape.server.kill();
      return () => landscape.server.restart();
    },
  ],
];

/** Readers go on. */
const FULL: [string, Trouble][] = [
  [
    'R25: has no memory left (OOM)',
    async () => {
      await config('maxmemory', '1');
      await answers('OOM');
      return () => config('maxmemory', '0');
    },
  ],
];

/** Over before anybody has to be told. */
const PASSING: [string, Trouble][] = [
  [
    'has all its connections killed',
    async () => {
      for (let i = 0; i < 5; i += 1) await call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
      return () => Promise.resolve();
    },
  ],
  [
    'has forgotten all scripts',
    async () => {
      await call('SCRIPT', 'FLUSH');
      return () => Promise.resolve();
    },
  ],
  [
    'R30: has rewritten its files and is started from them',
    async () => {
      await call('BGREWRITEAOF');
      await until('it is rewritten', async () =>
        String(await call('INFO', 'persistence')).includes('aof_rewrite_in_progress:0'),
      );
      await landscape.server.restart();
      return () => Promise.resolve();
    },
  ],
];

const lines = (prefix: string, from: number, to: number, step: string) =>
  Array.from({ length: to - from }, (_, i) => {
    const log = {
      transaction_id: `${prefix}-${from + i}`,
      step,
      status: 'succeeded',
      event_time: '2026-01-31T09:15:00Z',
      record_count: from + i,
    };
    return `${JSON.stringify(log)}\n`;
  }).join('');

/** Sends by HTTP until it is taken; how often it was told to come back. */
async function post(body: string, key: string): Promise<number> {
  let refused = 0;
  await until('it is taken', async () => {
    const response = await landscape.post(body, key);
    await response.text();
    if (response.status === 200) return true;
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, expect.any(String)]);
    refused += 1;
    return false;
  });
  return refused;
}

interface Counted {
  logs: number;
  records: number;
  distinct: number;
  files: number;
}

async function counted(prefix: string): Promise<Counted | undefined> {
  const [row] = await landscape.clickhouse.rows<Counted>(
    `SELECT toInt32(count()) AS logs, toInt32(sum(record_count)) AS records, toInt32(uniqExact(event_id)) AS distinct,
            toInt32((SELECT count() FROM tranweave.tracking_log WHERE input = 'files' AND startsWith(transaction_id, '${prefix}-'))) AS files
     FROM tranweave.tracking_log FINAL WHERE startsWith(transaction_id, '${prefix}-')`,
  );
  return row;
}

async function expectAllOnce(prefix: string): Promise<void> {
  const completed = `SELECT transaction_id AS id FROM tranweave.transaction_summary
    WHERE status = 'completed' AND startsWith(transaction_id, '${prefix}-')`;
  await until('all are completed', async () => (await landscape.clickhouse.rows(completed)).length === COUNT);
  const records = 3 * ((COUNT * (COUNT - 1)) / 2);
  await until('all are stored', async () => ((await counted(prefix))?.logs ?? 0) >= 3 * COUNT);
  // Files without FINAL: nobody sent a line of theirs twice.
  expect(await counted(prefix)).toEqual({ logs: 3 * COUNT, records, distinct: 3 * COUNT, files: 2 * COUNT });
  // A batch of revisions that is repeated may be stored twice (decision 014), but never does one revision say two things.
  const revisions = await landscape.clickhouse.rows<{ n: number }>(
    `SELECT toInt32(uniqExact(status, steps_finished, updated_at)) AS n FROM tranweave.transaction_summary_revision WHERE startsWith(transaction_id, '${prefix}-')
     GROUP BY transaction_id, version HAVING n > 1`,
  );
  expect(revisions).toEqual([]);
}

async function expectAllWell(): Promise<void> {
  const { collector, processor, sinks } = landscape.roles;
  for (const role of [collector, processor, sinks]) {
    await until('it is ready', async () => (await role.reasons()).length === 0);
    expect(role.isRunning()).toBe(true);
  }
  expect(await processor.metric('tranweave_processor_lost_entries_total')).toBe(0);
  expect(await sinks.metric('tranweave_sink_lost_entries_total')).toBe(0);
}

/** Counts from now: processor and sinks have given up their claims, since they could not renew them in time. */
function whenCutOff(): () => Promise<void> {
  const { processor, sinks } = landscape.roles;
  const given = () =>
    [processor, sinks].map(
      ({ lines }) => lines.filter(({ msg }) => msg.startsWith('claim not released')).length,
    );
  const before = given();
  return () => until('claims are lost', () => given().every((count, role) => count > before[role]!));
}

async function filesWait(): Promise<void> {
  const { collector } = landscape.roles;
  await until('files wait', async () =>
    (await collector.reasons()).some((words) => words.includes('input files')),
  );
}

let scenarios = 0;
/** @returns how often the sender was told to come back. */
async function through(trouble: Trouble, meanwhile: () => Promise<unknown>): Promise<number> {
  const prefix = `S${(scenarios += 1)}`;
  const half = COUNT / 2;
  await landscape.write(lines(prefix, 0, half, 'send') + lines(prefix, 0, half, 'receive'));
  await post(lines(prefix, 0, half, 'hub'), `${prefix}a`);
  const end = await trouble();
  const posted = post(lines(prefix, half, COUNT, 'hub'), `${prefix}b`);
  await landscape.write(lines(prefix, half, COUNT, 'send') + lines(prefix, half, COUNT, 'receive'));
  await meanwhile();
  await end();
  const refused = await posted;
  await expectAllOnce(prefix);
  await expectAllWell();
  return refused;
}

test.each(REFUSING)('Redis %s', async (_, trouble) => {
  const cutOff = whenCutOff();
  expect(await through(trouble, () => Promise.all([filesWait(), cutOff()]))).toBeGreaterThan(0);
});

test.each(FULL)('Redis %s', async (_, trouble) => {
  expect(await through(trouble, filesWait)).toBeGreaterThan(0);
});

test.each(PASSING)('Redis %s', async (_, trouble) => {
  await through(trouble, () => Promise.resolve());
});
