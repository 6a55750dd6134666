import { execFile } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { promisify } from 'node:util';
import type { FullLab, Lab } from './lab.ts';

/** What this machine can do by itself in the same run: figures of other machines and other moments say nothing. */

const run = promisify(execFile);
const XADD_REQUESTS = 500_000;

/** `redis-benchmark`: XADD of a 300-byte field at pipeline 64, requests a second. */
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

/** ClickHouse taking the same lines straight into a table like tracking_log, rows a second. */
export async function clickHouseReference(lab: FullLab, file: string, lines: number): Promise<number> {
  await lab.clickhouse.command({ query: 'DROP TABLE IF EXISTS tranweave.bench_reference' });
  await lab.clickhouse.command({ query: 'CREATE TABLE tranweave.bench_reference AS tranweave.tracking_log' });
  const started = process.hrtime.bigint();
  const { stream } = await lab.clickhouse.exec({
    query: 'INSERT INTO tranweave.bench_reference FORMAT JSONEachRow',
    values: createReadStream(file, { highWaterMark: 1 << 20 }),
    clickhouse_settings: {
      date_time_input_format: 'best_effort',
      input_format_parallel_parsing: 0,
      wait_end_of_query: 1,
    },
  });
  stream.resume();
  const seconds = Number(process.hrtime.bigint() - started) / 1e9;
  await lab.clickhouse.command({ query: 'DROP TABLE tranweave.bench_reference' });
  return lines / seconds;
}
