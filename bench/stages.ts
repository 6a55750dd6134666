import { PROCESSOR_GROUP, sinkGroup } from '../common/redis/groups.ts';
import type { Ledger } from '../scripts/generate/generator.ts';
import { startHelper } from './helper.ts';
import { emptyRedis, isCollected, prepareDelivery } from './load.ts';
import type { Load } from './load.ts';
import type { FullLab, Lab } from './lab.ts';
import { measure } from './measure.ts';
import type { Measured } from './measure.ts';
import { isDrained, logsInStreams } from './streams.ts';
import { until } from './until.ts';

/** The stages of a log's way, each by itself, and the whole of it. */

/** How a sender cuts a load into requests. */
export interface Sending {
  logsPerPost: number;
  connections: number;
}

export const BATCHES: Sending = { logsPerPost: 500, connections: 4 };
export const SINGLES: Sending = { logsPerPost: 1, connections: 64 };

export async function fileToRedis(lab: Lab, load: Load): Promise<Measured> {
  await emptyRedis(lab);
  const collector = await lab.start('collector');
  const deliver = await prepareDelivery(lab, load, 'a');
  const measured = await measure(lab, load.ledger.lines, { collector }, async () => {
    await deliver();
    await until('the file is collected', () => isCollected(lab, load.bytes));
  });
  await collector.stop();
  await expectLogs(lab, load.ledger.lines);
  return measured;
}

export async function httpToRedis(lab: Lab, load: Load, sending: Sending): Promise<Measured> {
  await emptyRedis(lab);
  const collector = await lab.start('collector');
  const sender = await prepareSender(lab.httpUrl, load, sending);
  const measured = await measure(lab, load.ledger.lines, { collector }, sender.send, [sender.pid]);
  await sender.end();
  await collector.stop();
  await expectLogs(lab, load.ledger.lines);
  return measured;
}

/** A process that has a load ready to be sent. */
export async function prepareSender(url: string, load: Load, { logsPerPost, connections }: Sending) {
  const helper = startHelper('http-load', [url, load.file, String(logsPerPost), String(connections)]);
  await helper.told();
  return {
    pid: helper.pid,
    send: async () => {
      helper.tell('go');
      await helper.told();
    },
    end: () => helper.end(),
  };
}

/** Follows a stage that fills the log streams: merges what is in them. */
export async function redisToSummaries(lab: Lab, load: Load): Promise<Measured> {
  const processor = await lab.start('processor');
  const measured = await measure(lab, load.ledger.lines, { processor }, () =>
    until('the logs are merged', () => isDrained(lab, PROCESSOR_GROUP)),
  );
  await processor.stop();
  return measured;
}

/** Follows a stage that fills the log streams, before anything was merged: stores logs and nothing else. */
export async function redisToTrackingLog(lab: FullLab, load: Load): Promise<Measured> {
  await emptyTables(lab);
  const sinks = await startEagerSinks(lab);
  const measured = await measure(lab, load.ledger.lines, { sinks }, () =>
    until('the logs are stored', () => isDrained(lab, sinkGroup('clickhouse'), ['log'])),
  );
  await sinks.stop();
  await expectLogTable(lab, load.ledger);
  return measured;
}

/** Follows redisToSummaries: stores logs and summaries. */
export async function redisToClickHouse(lab: FullLab, load: Load): Promise<Measured> {
  await emptyTables(lab);
  const sinks = await startEagerSinks(lab);
  const measured = await measure(lab, load.ledger.lines, { sinks }, () =>
    until('logs and summaries are stored', () => isDrained(lab)),
  );
  await sinks.stop();
  await expectTables(lab, load.ledger);
  return measured;
}

/** The last batch of each partition, which is never full, would wait seconds for rows that do not come. */
function startEagerSinks(lab: FullLab) {
  const sink = { name: 'clickhouse', type: 'clickhouse', url: lab.clickhouseUrl };
  return lab.start('sinks', { sinks: [{ ...sink, batch: { delay_max: '100ms' } }] });
}

/** Everything at once, from a file that appears to the last row in both tables. */
export async function wholeWay(lab: FullLab, load: Load): Promise<Measured> {
  await emptyRedis(lab);
  await emptyTables(lab);
  const roles = await startAllRoles(lab);
  const deliver = await prepareDelivery(lab, load, 'whole');
  const measured = await measure(lab, load.ledger.lines, roles, async () => {
    await deliver();
    await until('the file is collected', () => isCollected(lab, load.bytes));
    await until('everything is stored', () => isDrained(lab));
  });
  await Promise.all(Object.values(roles).map((role) => role.stop()));
  await expectTables(lab, load.ledger);
  return measured;
}

/** What `tranweave up` runs. */
export async function startAllRoles(lab: Lab) {
  return {
    sinks: await lab.start('sinks'),
    'processor 1': await lab.start('processor'),
    'processor 2': await lab.start('processor'),
    collector: await lab.start('collector'),
  };
}

export async function emptyTables(lab: FullLab): Promise<void> {
  for (const table of ['tracking_log', 'transaction_summary_revision', 'transaction_brief_revision']) {
    await lab.clickhouse.command({ query: `TRUNCATE TABLE IF EXISTS tranweave.${table}` });
  }
}

async function expectLogs(lab: Lab, expected: number): Promise<void> {
  const found = await logsInStreams(lab);
  if (found !== expected) throw new Error(`the streams hold ${found} logs where ${expected} were sent`);
}

/** What must have come out of a load, as far as the tables are compared with it. */
export type Expected = Pick<Ledger, 'logs' | 'record_count' | 'transactions' | 'failed'>;

/** A figure of a run that lost or doubled something would be worth nothing. */
export async function expectTables(lab: FullLab, ledger: Expected): Promise<void> {
  await expectLogTable(lab, ledger);
  const [found] = await ask<{ n: string; failed: string }>(
    lab,
    "SELECT count() AS n, countIf(status = 'failed') AS failed FROM tranweave.transaction_summary",
  );
  expectSame('transactions, failed', [found?.n, found?.failed], [ledger.transactions, ledger.failed]);
}

async function expectLogTable(lab: FullLab, ledger: Expected): Promise<void> {
  const [found] = await ask<{ n: string; records: string }>(
    lab,
    'SELECT count() AS n, sum(record_count) AS records FROM tranweave.tracking_log FINAL',
  );
  expectSame('logs, records', [found?.n, found?.records], [ledger.logs, ledger.record_count]);
}

export function expectSame(what: string, found: readonly unknown[], expected: readonly number[]): void {
  if (found.map(Number).join() === expected.join()) return;
  throw new Error(`${what} are ${found.join()} where ${expected.join()} were to come out`);
}

export async function ask<Row>({ clickhouse }: FullLab, query: string): Promise<Row[]> {
  return (await clickhouse.query({ query, format: 'JSONEachRow' })).json<Row>();
}
