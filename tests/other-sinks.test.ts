import { mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { groupsOf, sinkGroup } from '../common/redis/groups.ts';
import { createKeys, STREAM_KINDS } from '../common/redis/keys.ts';
import { mongoServer, startMongo } from '../common/testing/mongodb.ts';
import { startRedis } from '../common/testing/redis-server.ts';
import type { TestRedis } from '../common/testing/redis-server.ts';
import { openStreams } from '../common/testing/streams.ts';
import type { TestStreams } from '../common/testing/streams.ts';
import { until } from '../common/testing/until.ts';
import { generateLogs } from '../scripts/generate/generator.ts';
import type { Ledger } from '../scripts/generate/generator.ts';
import { filesOf, rowsOf, textOf } from '../sinks/ndjson/fixture.ts';
import { startProcess } from './support/landscape.ts';
import type { RoleName, RoleProcess } from './support/landscape.ts';

/** Collectors, processors and sinks as processes, which are killed and paused; what arrives is judged by the generator's ledger. */

const PARTITIONS = 4;
const keys = createKeys('tranweave');

let dir: string;
let redis: TestRedis;
let streams: TestStreams;
let started: RoleProcess[];
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'tranweave-other-sinks-'));
  await Promise.all(['inbox', 'files'].map((name) => mkdir(join(dir, name))));
  redis = await startRedis();
  streams = openStreams(redis.url, PARTITIONS);
  started = [];
});
afterEach(async () => {
  for (const role of started) role.kill('SIGKILL');
  await Promise.all(started.map((role) => role.ended));
  await streams[Symbol.asyncDispose]();
  await redis.stop();
  await rm(dir, { recursive: true, force: true });
});

async function configure(sink: object): Promise<void> {
  const config = {
    partitions: PARTITIONS,
    redis: { url: redis.url },
    inputs: [{ name: 'files', type: 'file', paths: ['inbox/*.log'] }],
    claims: { ttl: '2s', heartbeat: '400ms' },
    sinks: [{ name: 'store', batch: { delay_max: '50ms', rows_max: 200 }, ...sink }],
  };
  await writeFile(join(dir, 'tranweave.yml'), stringify(config));
}

async function start(role: RoleName): Promise<RoleProcess> {
  const process = await startProcess([role, '--config', join(dir, 'tranweave.yml')]);
  started.push(process);
  return process;
}

/** Logs as files that appear in the inbox one by one; what they are is in the ledger. */
function makeLogs(transactions: number, files: number) {
  const lines: string[] = [];
  const made = generateLogs({ transactions, seed: 11, duplicates: 0 });
  let next = made.next();
  for (; next.done !== true; next = made.next()) lines.push(next.value);
  const ledger: Ledger = next.value;
  const perFile = Math.ceil(lines.length / files);
  let sent = 0;
  const send = async () => {
    const part = lines.slice(sent * perFile, (sent + 1) * perFile);
    await writeFile(join(dir, 'part'), part.map((line) => `${line}\n`).join(''));
    await rename(join(dir, 'part'), join(dir, 'inbox', `${sent}.log`));
    sent += 1;
  };
  return { ledger, send };
}

/** Entries that the sink's groups have committed. */
async function committed(): Promise<number> {
  let sum = 0;
  for (let partition = 0; partition < PARTITIONS; partition += 1) {
    for (const kind of STREAM_KINDS) {
      const groups = await groupsOf(streams.redis, keys.stream(partition, kind));
      sum += groups.find(({ name }) => name === sinkGroup('store'))?.entries_read ?? 0;
    }
  }
  return sum;
}

async function isDrained(): Promise<boolean> {
  for (let partition = 0; partition < PARTITIONS; partition += 1) {
    for (const kind of STREAM_KINDS) {
      const groups = await groupsOf(streams.redis, keys.stream(partition, kind));
      if (groups.length === 0 || groups.some(({ lag }) => lag !== 0)) return false;
    }
  }
  return true;
}

/** Logs that the collector has appended. */
async function collected({ adminUrl }: RoleProcess): Promise<number> {
  const metrics = await (await fetch(`${adminUrl}/metrics`)).text();
  const counts = [...metrics.matchAll(/^tranweave_collector_logs_total\{.*\} (\d+)$/gm)];
  return counts.reduce((sum, [, count]) => sum + Number(count), 0);
}

async function drained(logs: number, collector: RoleProcess): Promise<void> {
  await until('all logs are collected', async () => (await collected(collector)) === logs, 60_000);
  await until('every group has taken everything', isDrained, 120_000);
}

/** Sends a file at a time, and kills both sinks processes while they store it. */
async function killAgainAndAgain(rounds: number, send: () => Promise<void>): Promise<RoleProcess[]> {
  let sinks = await Promise.all([start('sinks'), start('sinks')]);
  for (let round = 0; round < rounds; round += 1) {
    const before = await committed();
    await send();
    await until('some of it is committed', async () => (await committed()) > before, 60_000);
    for (const sink of sinks) sink.kill('SIGKILL');
    await Promise.all(sinks.map((sink) => sink.ended));
    sinks = await Promise.all([start('sinks'), start('sinks')]);
  }
  return sinks;
}

interface StoredLog {
  event_id: string;
  record_count: number;
}
interface StoredSummary {
  transaction_id: string;
  version: number;
  status: string;
}

/** What the files hold, all of them handed over. */
async function rowsIn<T>(stream: 'log' | 'summary' | 'dead_letter'): Promise<T[]> {
  const texts = await Promise.all((await filesOf(join(dir, 'files'), stream)).map(textOf));
  return texts.flatMap((text) => rowsOf<T>(text));
}

/** Holds the files to the ledger: every log once, every revision once, and the newest ones as they must be. */
async function expectExactly(ledger: Ledger): Promise<void> {
  const logs = await rowsIn<StoredLog>('log');
  expect([logs.length, new Set(logs.map((log) => log.event_id)).size]).toEqual([ledger.logs, ledger.logs]);
  expect(logs.reduce((sum, log) => sum + log.record_count, 0)).toBe(ledger.record_count);
  const summaries = await rowsIn<StoredSummary>('summary');
  const revisions = new Set(summaries.map((one) => `${one.transaction_id} ${one.version}`));
  expect(revisions.size).toBe(summaries.length);
  const newest = new Map<string, StoredSummary>();
  for (const one of summaries) {
    if ((newest.get(one.transaction_id)?.version ?? 0) < one.version) newest.set(one.transaction_id, one);
  }
  expect(newest.size).toBe(ledger.transactions);
  // No revision is missing: versions grow by one.
  expect([...newest.values()].reduce((sum, one) => sum + one.version, 0)).toBe(summaries.length);
  expect(countsOf([...newest.values()])).toEqual(countsIn(ledger));
  expect(await rowsIn('dead_letter')).toEqual([]);
}

function countsOf(summaries: readonly Pick<StoredSummary, 'status'>[]) {
  const count = (status: string) => summaries.filter((one) => one.status === status).length;
  return { completed: count('completed'), failed: count('failed'), in_progress: count('in_progress') };
}

function countsIn({ completed, failed, in_progress }: Ledger) {
  return { completed, failed, in_progress };
}

const FILES = { type: 'ndjson', dir: 'files', roll_bytes: '16KiB' };

test('files hold every row once, though sinks are killed while they write', async () => {
  await configure(FILES);
  const { ledger, send } = makeLogs(4_000, 8);
  const [collector] = await Promise.all([start('collector'), start('processor')]);
  const sinks = await killAgainAndAgain(8, send);
  await drained(ledger.logs, collector);
  for (const sink of sinks) expect(await sink.stop()).toBe(0);
  await expectExactly(ledger);
}, 240_000);

test('files hold every row once, though a sinks process sleeps until others have taken over, and wakes', async () => {
  await configure(FILES);
  const { ledger, send } = makeLogs(2_000, 6);
  const [collector] = await Promise.all([start('collector'), start('processor')]);
  const [sleeper, other] = await Promise.all([start('sinks'), start('sinks')]);
  const holders = async () => {
    const claims = await Promise.all(
      Array.from({ length: PARTITIONS }, (_, p) => streams.redis.get(keys.claim(p, sinkGroup('store')))),
    );
    return claims.map((token) => token?.slice(token.indexOf(':')));
  };
  const areHeldBy = async (processes: number) => {
    const held = await holders();
    return !held.includes(undefined) && new Set(held).size === processes;
  };
  for (let round = 0; round < 3; round += 1) {
    await until('both hold some', () => areHeldBy(2));
    const before = await committed();
    await send();
    await until('some of it is committed', async () => (await committed()) > before);
    sleeper.kill('SIGSTOP');
    await send();
    await until('one holds all', () => areHeldBy(1));
    sleeper.kill('SIGCONT');
  }
  await drained(ledger.logs, collector);
  for (const sink of [sleeper, other]) expect(await sink.stop()).toBe(0);
  await expectExactly(ledger);
  const lanes = join(dir, 'files', '.open', 'store');
  for (const lane of await readdir(lanes)) expect(await readdir(join(lanes, lane))).toHaveLength(1);
}, 240_000);

test.skipIf(mongoServer === undefined)(
  'MongoDB holds every row once, though sinks are killed while they write',
  async () => {
    await using mongo = await startMongo();
    await configure({ type: 'mongodb', url: mongo.url, database: mongo.database, ...mongo.credentials });
    const { ledger, send } = makeLogs(200, 3);
    const [collector] = await Promise.all([start('collector'), start('processor')]);
    const sinks = await killAgainAndAgain(3, send);
    const logs = mongo.db.collection('tracking_log');
    await drained(ledger.logs, collector);
    for (const sink of sinks) expect(await sink.stop()).toBe(0);
    const documents = await logs.find().toArray();
    expect(documents).toHaveLength(ledger.logs);
    expect(documents.reduce((sum, document) => sum + Number(document['record_count']), 0)).toBe(
      ledger.record_count,
    );
    const summaries = await mongo.db.collection<StoredSummary>('transaction_summary').find().toArray();
    expect(summaries).toHaveLength(ledger.transactions);
    expect(countsOf(summaries)).toEqual(countsIn(ledger));
    expect(await mongo.db.collection('dead_letter').countDocuments()).toBe(0);
  },
  240_000,
);
