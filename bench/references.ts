import { execFile } from 'node:child_process';
import { Readable } from 'node:stream';
import { promisify } from 'node:util';
import { startHelper } from './helper.ts';
import { FORMAT_OF } from '../sinks/clickhouse/format.ts';
import type { FullLab, Lab } from './lab.ts';
import type { Load } from './load.ts';
import { prepareSender } from './stages.ts';
import type { Sending } from './stages.ts';
import { entriesOf } from './streams.ts';

/** What this machine can do by itself in the same run: figures of other machines and other moments say nothing. All are per second. */

const run = promisify(execFile);
const XADD_REQUESTS = 500_000;
/** As much as one insert of a reference takes; the embedded engine takes no body of more than 128 MiB. */
const INSERT_BYTES = 16 * 1024 * 1024;
/** As many as a sinks process has under way by default. */
const INSERTS_AT_A_TIME = 2;

/** `redis-benchmark`: XADD of a 300-byte field at pipeline 64. */
export async function redisReference(lab: Lab): Promise<number> {
  const { stdout } = await run('redis-benchmark', [
    '-p',
    String(lab.redis.port),
    '-n',
    String(XADD_REQUESTS),
    '-P',
    '64',
    '--csv',
    'XADD',
    'tranweave:bench',
    '*',
    'f',
    'x'.repeat(300),
  ]);
  await lab.redisClient.del('tranweave:bench');
  // "test","rps",… and then "XADD …","512820.50",…
  const rps = /^"XADD[^"]*","([\d.]+)"/m.exec(stdout)?.[1];
  if (rps === undefined) throw new Error(`redis-benchmark said: ${stdout}`);
  return Number(rps);
}

/** A bare loop of split and JSON.parse over the load's file. */
export async function parseReference({ file }: Load): Promise<number> {
  const helper = startHelper('bare-parse', [file]);
  const logsPerSecond = await helper.told<number>();
  await helper.end();
  return logsPerSecond;
}

/** The same requests to a Hono handler that only reads them, or does nothing. */
export async function honoReference(path: '/read' | '/empty', load: Load, sending: Sending): Promise<number> {
  const server = startHelper('bare-server', []);
  const port = await server.told<number>();
  const sender = await prepareSender(`http://127.0.0.1:${port}${path}`, load, sending);
  const started = performance.now();
  await sender.send();
  const seconds = (performance.now() - started) / 1000;
  await sender.end();
  await server.end();
  return load.ledger.lines / seconds;
}

/** ClickHouse taking the rows of the log streams straight, by as many inserts at a time as a sinks process makes, into a table like tracking_log. */
export async function clickHouseReference(lab: FullLab): Promise<number> {
  const { pieces, rows } = await rowsOfLogStreams(lab);
  await lab.clickhouse.command({ query: 'DROP TABLE IF EXISTS tranweave.bench_reference' });
  await lab.clickhouse.command({ query: 'CREATE TABLE tranweave.bench_reference AS tranweave.tracking_log' });
  const started = performance.now();
  await Promise.all(
    Array.from({ length: INSERTS_AT_A_TIME }, async () => {
      for (let piece = pieces.pop(); piece !== undefined; piece = pieces.pop()) await insert(lab, piece);
    }),
  );
  const seconds = (performance.now() - started) / 1000;
  await lab.clickhouse.command({ query: 'DROP TABLE tranweave.bench_reference' });
  return rows / seconds;
}

async function insert({ clickhouse }: FullLab, piece: readonly Buffer[]): Promise<void> {
  const { stream } = await clickhouse.exec({
    query: `INSERT INTO tranweave.bench_reference ${FORMAT_OF.log}`,
    values: Readable.from(piece, { objectMode: false }),
    clickhouse_settings: {
      date_time_input_format: 'best_effort',
      input_format_parallel_parsing: 0,
      input_format_json_compact_allow_variable_number_of_columns: 1,
      // As the sinks ask for it: nothing collapses in an insert of logs.
      optimize_on_insert: 0,
      wait_end_of_query: 1,
    },
  });
  stream.resume();
}

/** The very bytes that a sinks process would pass on, in pieces of some size. */
async function rowsOfLogStreams(lab: Lab): Promise<{ pieces: Buffer[][]; rows: number }> {
  const pieces: Buffer[][] = [[]];
  let rows = 0;
  let bytes = 0;
  for await (const entry of entriesOf(lab, 'log')) {
    if (bytes > INSERT_BYTES) {
      pieces.push([]);
      bytes = 0;
    }
    pieces.at(-1)?.push(entry.body);
    bytes += entry.body.length;
    rows += entry.rows;
  }
  return { pieces, rows };
}
