import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Ledger } from '../scripts/generate/generator.ts';
import { emptyRedis, isCollected, prepareDelivery } from './load.ts';
import type { Load } from './load.ts';
import { isDrained, logsInStreams, until } from './lab.ts';
import type { FullLab, Lab } from './lab.ts';
import { measure } from './measure.ts';
import type { Measured } from './measure.ts';

const HTTP_LOAD = fileURLToPath(new URL('./http-load.js', import.meta.url));

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
  const ended = once(sender, 'exit').then(() => undefined);
  const told = () => Promise.race([once(sender, 'message'), ended]);
  const send = async () => {
    sender.send('go');
    if ((await told()) === undefined) throw new Error('the sender failed');
  };
  await told();
  const measured = await measure(lab, load.ledger.lines, { collector }, send, [sender.pid ?? 0]);
  sender.disconnect();
  await ended;
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
export async function redisToClickHouse(lab: FullLab, load: Load): Promise<Measured> {
  await emptyTables(lab);
  const sinks = await lab.start('sinks');
  const measured = await measure(lab, load.ledger.lines, { sinks }, () => until(() => isDrained(lab)));
  await sinks.stop();
  await expectTables(lab, load.ledger);
  return measured;
}

/** Everything at once, from a file that appears to the last row in both tables. */
export async function wholeWay(lab: FullLab, load: Load): Promise<Measured> {
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

async function emptyTables(lab: FullLab): Promise<void> {
  for (const table of ['tracking_log', 'transaction_summary_revision', 'transaction_brief_revision']) {
    await lab.clickhouse.command({ query: `TRUNCATE TABLE IF EXISTS tranweave.${table}` });
  }
}

async function expectLogs(lab: Lab, expected: number): Promise<void> {
  const found = await logsInStreams(lab);
  if (found !== expected) throw new Error(`the streams hold ${found} logs where ${expected} were sent`);
}

/** A figure of a run that lost or doubled something would be worth nothing. */
async function expectTables(lab: FullLab, ledger: Ledger): Promise<void> {
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
