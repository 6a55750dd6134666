import { mkdtemp, rm, stat } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { writeLogs } from '../scripts/commands/generate.ts';
import { table } from '../scripts/table.ts';
import { openLab } from './lab.ts';
import { clickHouseReference, redisReference } from './references.ts';
import { fileToRedis, httpToRedis, redisToClickHouse, redisToSummaries, wholeWay } from './stages.ts';
import type { Load, Measured } from './stages.ts';

/** `npm run bench`: what each stage and the whole way do on this machine, beside what the machine can do by itself in the same run. */

/** Below this the whole way is not good enough; asked for with `--check`. */
const WHOLE_WAY_FLOOR = 20_000;

const options = new Command('bench')
  .option('-n, --transactions <count>', 'transactions of about three logs each', Number, 60_000)
  .option('-r, --repeats <count>', 'measured repeats after one warm-up; medians are shown', Number, 3)
  .option('--check', `end with an error if the whole way does less than ${WHOLE_WAY_FLOOR} logs a second`)
  .option('--json', 'print the figures as JSON instead of a table')
  .parse()
  .opts<{ transactions: number; repeats: number; check?: true; json?: true }>();

type Figures = Record<string, { logsPerSecond: number[]; runs: Measured[] }>;

const dir = await mkdtemp(join(tmpdir(), 'tranweave-bench-'));
const lab = await openLab(dir);
const figures: Figures = {};
const references: Record<string, number[]> = {
  'redis-benchmark XADD': [],
  'ClickHouse, same lines straight': [],
};
try {
  const load = await prepare('load', options.transactions);
  // Long enough that its beginning and end, when not every part has work, do not matter much.
  const long = await prepare('long', options.transactions * 6);
  progress(
    `${load.ledger.lines} logs (whole way: ${long.ledger.lines}), ${Math.round(load.bytes / load.ledger.lines)} bytes each`,
  );
  for (let repeat = 0; repeat <= options.repeats; repeat += 1) {
    const warmUp = repeat === 0;
    const keep = (name: string, measured: Measured) => {
      progress(
        `${warmUp ? 'warm-up' : `run ${repeat}`}  ${name}  ${Math.round(measured.logsPerSecond)} logs/s`,
      );
      if (warmUp) return;
      (figures[name] ??= { logsPerSecond: [], runs: [] }).runs.push(measured);
      figures[name].logsPerSecond.push(measured.logsPerSecond);
    };
    keep('HTTP → Redis', await httpToRedis(lab, load));
    keep('file → Redis', await fileToRedis(lab, load));
    keep('Redis → summaries', await redisToSummaries(lab, load));
    keep('Redis → ClickHouse', await redisToClickHouse(lab, load));
    keep('whole way', await wholeWay(lab, long));
    const [redis, clickhouse] = [
      await redisReference(lab),
      await clickHouseReference(lab, load.file, load.ledger.lines),
    ];
    if (warmUp) continue;
    references['redis-benchmark XADD']?.push(redis);
    references['ClickHouse, same lines straight']?.push(clickhouse);
  }
} finally {
  await lab.stop();
  await rm(dir, { recursive: true, force: true });
}
report();

async function prepare(name: string, transactions: number): Promise<Load> {
  const file = join(dir, `${name}.ndjson`);
  const ledger = await writeLogs(file, { transactions, seed: 7, prefix: name });
  return { file, ledger, bytes: (await stat(file)).size };
}

function progress(text: string): void {
  process.stderr.write(`${text}\n`);
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? 0;
}

function report(): void {
  const whole = median(figures['whole way']?.logsPerSecond ?? []);
  const redis = median(references['redis-benchmark XADD'] ?? []);
  const clickhouse = median(references['ClickHouse, same lines straight'] ?? []);
  if (options.json) process.stdout.write(`${JSON.stringify({ figures, references }, null, 2)}\n`);
  else {
    const number = (value: number) => Math.round(value).toLocaleString('en-US');
    const rows = Object.entries(figures).map(([name, { logsPerSecond, runs }]) => {
      const perSecond = median(logsPerSecond);
      const processes = Object.keys(runs[0]?.cpuMicros ?? {});
      const cpu = processes
        .map((p) => [p, median(runs.map((run) => run.cpuMicros[p] ?? 0))] as const)
        .filter(([, us]) => us > 0.05);
      const memory = processes.map((p) => [p, Math.max(...runs.map((run) => run.peakMib[p] ?? 0))] as const);
      return [
        name,
        number(perSecond),
        (perSecond / redis).toFixed(3),
        (perSecond / clickhouse).toFixed(3),
        cpu.map(([p, us]) => `${p} ${us.toFixed(1)}`).join(', '),
        memory.map(([p, mib]) => `${p} ${number(mib)}`).join(', '),
      ];
    });
    const references = [
      ['redis-benchmark XADD, 300 bytes, pipeline 64', number(redis), '1', '', '', ''],
      ['ClickHouse, the same lines straight', number(clickhouse), '', '1', '', ''],
    ];
    process.stdout.write(
      `${availableParallelism()} cores; medians of ${options.repeats} runs after a warm-up\n\n${table(
        ['stage', 'logs/s', '÷ redis', '÷ clickhouse', 'CPU µs per log', 'peak MiB'],
        [...references, ...rows],
      )}\n`,
    );
  }
  if (options.check && whole < WHOLE_WAY_FLOOR) {
    process.stderr.write(`the whole way does ${Math.round(whole)} logs/s, less than ${WHOLE_WAY_FLOOR}\n`);
    process.exitCode = 1;
  }
}
