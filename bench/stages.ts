import { fork } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Ledger } from '../scripts/generate/generator.ts';
import { isDrained, logsInStreams, until } from './lab.ts';
import type { Lab, RunningRole } from './lab.ts';
import { usageOf } from './process-usage.ts';

/** One measurement of one stage. */
export interface Measured {
  logsPerSecond: number;
  /** CPU µs per log, by process. */
  cpuMicros: Record<string, number>;
  /** Peak memory in MiB, by process. */
  peakMib: Record<string, number>;
}

export interface Load {
  file: string;
  bytes: number;
  ledger: Ledger;
}

const HTTP_LOAD = fileURLToPath(new URL('./http-load.js', import.meta.url));

/** Times `work` and what the processes use meanwhile. */
async function measure(
  lab: Lab,
  logs: number,
  roles: Readonly<Record<string, RunningRole>>,
  work: () => Promise<void>,
): Promise<Measured> {
  const pids: Record<string, number> = { redis: lab.redisPid, clickhouse: lab.clickhousePid };
  for (const [name, role] of Object.entries(roles)) pids[name] = role.pid;
  const before = Object.entries(pids).map(([name, pid]) => [name, usageOf(pid).cpuMicros] as const);
  const started = process.hrtime.bigint();
  await work();
  const seconds = Number(process.hrtime.bigint() - started) / 1e9;
  const cpuMicros: Record<string, number> = {};
  const peakMib: Record<string, number> = {};
  for (const [name, cpu] of before) {
    const usage = usageOf(pids[name] ?? 0);
    cpuMicros[name] = (usage.cpuMicros - cpu) / logs;
    peakMib[name] = usage.peakBytes / 1024 ** 2;
  }
  return { logsPerSecond: logs / seconds, cpuMicros, peakMib };
}

/** Puts the load beside the folder that the file input follows; what is returned moves it in, whole at once. */
async function prepareDelivery(lab: Lab, load: Load, name: string): Promise<() => Promise<void>> {
  const beside = join(lab.dir, `${name}.part`);
  await copyFile(load.file, beside);
  return () => rename(beside, join(lab.inbox, `${name}.log`));
}

async function emptyRedis(lab: Lab): Promise<void> {
  await lab.redisClient.flushall();
  await rm(join(lab.inbox), { recursive: true, force: true });
  await mkdir(lab.inbox, { recursive: true });
}

/** Whether the collector has appended everything: every source's low-water mark is at its end. */
async function isCollected(lab: Lab, bytes: number): Promise<boolean> {
  const marks = await lab.redisClient.hvals('tranweave:low-water:files');
  return marks.some((mark) => Number(mark) === bytes);
}

export async function fileToRedis(lab: Lab, load: Load): Promise<Measured> {
  await emptyRedis(lab);
  const collector = await lab.start('collector');
  const deliver = await prepareDelivery(lab, load, 'a');
  const measured = await measure(lab, load.ledger.lines, { collector }, async () => {
    await deliver();
    await until(() => isCollected(lab, load.bytes));
  });
  await collector.stop();
  await expectLogs(lab, load.ledger.lines);
  return measured;
}

export async function httpToRedis(lab: Lab, load: Load): Promise<Measured> {
  await emptyRedis(lab);
  const collector = await lab.start('collector');
  const sender = fork(HTTP_LOAD, [lab.httpUrl, load.file, '500', '4'], { stdio: 'inherit' });
  const ended = once(sender, 'exit');
  await once(sender, 'message');
  const measured = await measure(lab, load.ledger.lines, { collector }, async () => {
    sender.send('go');
    const [code] = (await ended) as [number];
    if (code !== 0) throw new Error('the sender failed');
  });
  await collector.stop();
  await expectLogs(lab, load.ledger.lines);
  return measured;
}

/** Follows fileToRedis or httpToRedis: works on what these left in the streams. */
export async function redisToSummaries(lab: Lab, load: Load): Promise<Measured> {
  const processor = await lab.start('processor');
  const measured = await measure(lab, load.ledger.lines, { processor }, () =>
    until(() => isDrained(lab, 'processor')),
  );
  await processor.stop();
  return measured;
}

/** Follows redisToSummaries: stores logs and summaries. */
export async function redisToClickHouse(lab: Lab, load: Load): Promise<Measured> {
  await emptyTables(lab);
  const sinks = await lab.start('sinks');
  const measured = await measure(lab, load.ledger.lines, { sinks }, () => until(() => isDrained(lab)));
  await sinks.stop();
  await expectTables(lab, load.ledger);
  return measured;
}

/** Everything at once, from a file that appears to the last row in both tables. */
export async function wholeWay(lab: Lab, load: Load): Promise<Measured> {
  await emptyRedis(lab);
  await emptyTables(lab);
  const roles = {
    sinks: await lab.start('sinks'),
    'processor 1': await lab.start('processor'),
    'processor 2': await lab.start('processor'),
    collector: await lab.start('collector'),
  };
  const deliver = await prepareDelivery(lab, load, 'whole');
  const measured = await measure(lab, load.ledger.lines, roles, async () => {
    await deliver();
    await until(() => isCollected(lab, load.bytes));
    await until(() => isDrained(lab));
  });
  await Promise.all(Object.values(roles).map((role) => role.stop()));
  await expectTables(lab, load.ledger);
  return measured;
}

async function emptyTables(lab: Lab): Promise<void> {
  for (const table of ['tracking_log', 'transaction_summary_revision']) {
    await lab.clickhouse.command({ query: `TRUNCATE TABLE IF EXISTS tranweave.${table}` });
  }
}

async function expectLogs(lab: Lab, expected: number): Promise<void> {
  const found = await logsInStreams(lab);
  if (found !== expected) throw new Error(`the streams hold ${found} logs where ${expected} were sent`);
}

/** A figure of a run that lost or doubled something would be worth nothing. */
async function expectTables(lab: Lab, ledger: Ledger): Promise<void> {
  const ask = async <T>(query: string) =>
    (await (await lab.clickhouse.query({ query, format: 'JSONEachRow' })).json<T>())[0];
  const logs = await ask<{ n: string; records: string }>(
    'SELECT count() AS n, sum(record_count) AS records FROM tranweave.tracking_log FINAL',
  );
  const transactions = await ask<{ n: string; failed: string }>(
    "SELECT count() AS n, countIf(status = 'failed') AS failed FROM tranweave.transaction_summary",
  );
  const found = [logs?.n, logs?.records, transactions?.n, transactions?.failed].map(Number);
  const expected = [ledger.logs, ledger.record_count, ledger.transactions, ledger.failed];
  if (found.join() !== expected.join()) {
    throw new Error(
      `logs, records, transactions, failed are ${found.join()} where the ledger has ${expected.join()}`,
    );
  }
}
