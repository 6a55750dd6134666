import { openFullLab } from './lab.ts';
import { prepareLoad } from './load.ts';
import type { Measured } from './measure.ts';
import { clickHouseReference, redisReference } from './references.ts';
import { markdownTable, median, progress, warnOfOthers, whole } from './report.ts';
import type { BenchOptions, Report } from './report.ts';
import { fileToRedis, httpToRedis, redisToClickHouse, redisToSummaries, wholeWay } from './stages.ts';

/** Part `way`: what each stage and the whole way do, beside what the machine can do by itself in the same run. */

/** Below this the whole way is not good enough; asked for with `--check`. */
export const WHOLE_WAY_FLOOR = 20_000;

type Stages = Record<string, Measured[]>;
type References = Record<string, number[]>;

const REDIS = 'reference: `redis-benchmark` XADD, 300 bytes, pipeline 64';
const CLICKHOUSE = 'reference: ClickHouse, the same lines straight';
const WHOLE_WAY = 'whole way, file → both tables';

export async function measureWay(dir: string, options: BenchOptions): Promise<Report> {
  const stages: Stages = {};
  const references: References = { [REDIS]: [], [CLICKHOUSE]: [] };
  const lab = await openFullLab(dir);
  try {
    const load = await prepareLoad(dir, 'load', options.transactions);
    // Long enough that its beginning and end, when not every part has work, do not matter much.
    const long = await prepareLoad(dir, 'long', options.transactions * 6);
    progress(
      `${load.ledger.lines} logs (whole way: ${long.ledger.lines}), ${Math.round(load.bytes / load.ledger.lines)} bytes each`,
    );
    for (let repeat = 0; repeat <= options.repeats; repeat += 1) {
      const keep = (name: string, measured: Measured) => {
        const run = repeat === 0 ? 'warm-up' : `run ${repeat}`;
        progress(`${run}  ${name}  ${Math.round(measured.logsPerSecond)} logs/s`);
        warnOfOthers(measured.otherCores);
        if (repeat > 0) (stages[name] ??= []).push(measured);
      };
      keep('HTTP → Redis (NDJSON, 500 a body, 4 connections)', await httpToRedis(lab, load));
      keep('file → Redis', await fileToRedis(lab, load));
      keep('Redis → summaries, one processor', await redisToSummaries(lab, load));
      keep('Redis → ClickHouse, logs and summaries, one sinks process', await redisToClickHouse(lab, load));
      keep(WHOLE_WAY, await wholeWay(lab, long));
      const [redis, clickhouse] = [
        await redisReference(lab),
        await clickHouseReference(lab, load.file, load.ledger.lines),
      ];
      if (repeat === 0) continue;
      references[REDIS]?.push(redis);
      references[CLICKHOUSE]?.push(clickhouse);
    }
  } finally {
    await lab.stop();
  }
  return report(stages, references, options);
}

function report(stages: Stages, references: References, { repeats }: BenchOptions): Report {
  const [redis, clickhouse] = [median(references[REDIS] ?? []), median(references[CLICKHOUSE] ?? [])];
  const rows = [
    [REDIS, whole(redis), '1'],
    [CLICKHOUSE, whole(clickhouse), '', '1'],
    ...Object.entries(stages).map(([name, runs]) => rowOf(name, runs, redis, clickhouse)),
  ];
  const titles = ['stage', 'logs/s', '÷ redis', '÷ clickhouse', 'CPU µs per log', 'peak MiB'];
  const text = `Medians of ${repeats} runs after a warm-up\n\n${markdownTable(titles, rows)}`;
  const wholeWay = median((stages[WHOLE_WAY] ?? []).map((run) => run.logsPerSecond));
  const figures = { stages, references };
  if (wholeWay >= WHOLE_WAY_FLOOR) return { figures, text };
  return {
    figures,
    text,
    tooSlow: `the whole way does ${whole(wholeWay)} logs/s, less than ${whole(WHOLE_WAY_FLOOR)}`,
  };
}

function rowOf(name: string, runs: readonly Measured[], redis: number, clickhouse: number): string[] {
  const perSecond = median(runs.map((run) => run.logsPerSecond));
  const processes = Object.keys(runs[0]?.cpuMicros ?? {});
  const cpu = processes
    .map((p) => [p, median(runs.map((run) => run.cpuMicros[p] ?? 0))] as const)
    .filter(([, us]) => us > 0.05);
  const memory = processes.map((p) => [p, Math.max(...runs.map((run) => run.peakMib[p] ?? 0))] as const);
  return [
    name,
    whole(perSecond),
    (perSecond / redis).toFixed(3),
    (perSecond / clickhouse).toFixed(3),
    cpu.map(([p, us]) => `${p} ${us.toFixed(1)}`).join(', '),
    memory.map(([p, mib]) => `${p} ${whole(mib)}`).join(', '),
  ];
}
