import { mkdir } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { openFullLab } from './lab.ts';
import type { FullLab } from './lab.ts';
import { prepareLoad } from './load.ts';
import type { Load } from './load.ts';
import type { Measured } from './measure.ts';
import { clickHouseReference, honoReference, parseReference, redisReference } from './references.ts';
import { markdownTable, median, progress, warnOfOthers, whole } from './report.ts';
import type { BenchOptions, Report } from './report.ts';
import * as stages from './stages.ts';
import { measureSustained, sustainedText } from './sustained.ts';
import { belowFloors, ratioTable, TARGETS, WHOLE_WAY_FLOOR } from './targets.ts';
import type { Comparisons, TargetName } from './targets.ts';

/** Part `way`: what each stage and the whole way do, each beside what the machine can do by itself in the same run. */

interface Loads {
  /** For requests of one log each. */
  singles: Load;
  /** For the rest: long enough that what it takes to start does not matter much, nor the end, when not every part has work. */
  load: Load;
}

const STORES = 'Redis → ClickHouse, logs and summaries, one sinks process';

/** What one run found: stages by their names in the tables, references by the target that they belong to. */
interface Run {
  stages: Record<string, Measured>;
  references: Record<TargetName, number>;
}

export async function measureWay(dir: string, options: BenchOptions): Promise<Report> {
  const runs: Run[] = [];
  const lab = await openFullLab(dir);
  try {
    const loads = {
      singles: await prepareLoad(dir, 'single', Math.ceil(options.transactions / (options.quick ? 6 : 1))),
      load: await prepareLoad(dir, 'load', options.transactions * (options.quick ? 1 : 6)),
    };
    const { lines } = loads.load.ledger;
    progress(
      `${lines} logs of ${Math.round(loads.load.bytes / lines)} bytes ` +
        `(one a POST: ${loads.singles.ledger.lines})`,
    );
    if (!options.quick) await measureRun(lab, loads, 'warm-up');
    for (let run = 1; run <= options.repeats; run += 1) runs.push(await measureRun(lab, loads, `run ${run}`));
  } finally {
    await lab.stop();
  }
  const text = [
    options.quick ? 'One short run, not warmed up' : `Medians of ${runs.length} runs after a warm-up`,
    ratioTable(comparisonsOf(runs)),
    costTable(runs.map((run) => run.stages)),
  ];
  if (options.sustained === undefined) return { figures: runs, text: text.join('\n\n'), ...tooSlow(runs) };
  const expected = median(runs.map((run) => logsPerSecond(run, 'wholeWay')));
  await mkdir(join(dir, 'sustained'));
  const sustained = await measureSustained(join(dir, 'sustained'), expected, options);
  text.push(sustainedText(sustained), costTable([{ 'whole way, sustained': sustained.measured }]));
  return { figures: { runs, sustained }, text: text.join('\n\n'), ...tooSlow(runs) };
}

/** Each reference right beside its stage. */
async function measureRun(lab: FullLab, { load, singles }: Loads, name: string): Promise<Run> {
  const run: Run['stages'] = {};
  const keep = (stage: string, measured: Measured) => {
    progress(`${name}  ${stage}  ${whole(measured.logsPerSecond)} logs/s`);
    warnOfOthers(measured.otherCores);
    run[stage] = measured;
  };
  keep(TARGETS.singles.what, await stages.httpToRedis(lab, singles, stages.SINGLES));
  const singlesReference = await honoReference('/empty', singles, stages.SINGLES);
  keep(TARGETS.batches.what, await stages.httpToRedis(lab, load, stages.BATCHES));
  const batchesReference = await honoReference('/read', load, stages.BATCHES);
  keep(TARGETS.trackingLog.what, await stages.redisToTrackingLog(lab, load));
  const clickhouse = await clickHouseReference(lab);
  keep(TARGETS.file.what, await stages.fileToRedis(lab, load));
  const parse = await parseReference(load);
  keep(TARGETS.summaries.what, await stages.redisToSummaries(lab, load));
  keep(STORES, await stages.redisToClickHouse(lab, load));
  keep(TARGETS.wholeWay.what, await stages.wholeWay(lab, load));
  const redis = await redisReference(lab);
  const stagesMicros = [TARGETS.file.what, TARGETS.summaries.what, STORES].map((stage) =>
    microsOf(run[stage]),
  );
  return {
    stages: run,
    references: {
      file: parse,
      batches: batchesReference,
      singles: singlesReference,
      summaries: redis,
      trackingLog: clickhouse,
      wholeWay: redis,
      wholeWayCpu: (availableParallelism() * 1e6) / stagesMicros.reduce((sum, us) => sum + us, 0),
    },
  };
}

function microsOf(measured: Measured | undefined): number {
  return Object.values(measured?.cpuMicros ?? {}).reduce((sum, us) => sum + us, 0);
}

function logsPerSecond(run: Run, target: TargetName): number {
  return run.stages[TARGETS[target].what]?.logsPerSecond ?? 0;
}

function comparisonsOf(runs: readonly Run[]): Comparisons {
  const comparisons: Comparisons = {};
  for (const name of Object.keys(TARGETS) as TargetName[]) {
    comparisons[name] = runs.map((run) => ({
      value: logsPerSecond(run, name),
      reference: run.references[name],
    }));
  }
  return comparisons;
}

function tooSlow(runs: readonly Run[]): Pick<Report, 'tooSlow'> {
  const slow = belowFloors(comparisonsOf(runs));
  const wholeWay = median(runs.map((run) => logsPerSecond(run, 'wholeWay')));
  if (wholeWay < WHOLE_WAY_FLOOR)
    slow.push(`the whole way does ${whole(wholeWay)} logs/s, less than ${whole(WHOLE_WAY_FLOOR)}`);
  return slow.length === 0 ? {} : { tooSlow: slow.join('\n') };
}

/** What each stage took of the machine. */
function costTable(runs: readonly Record<string, Measured>[]): string {
  const rows = Object.keys(runs[0] ?? {}).map((stage) => {
    const found = runs.flatMap((run) => run[stage] ?? []);
    const processes = Object.keys(found[0]?.cpuMicros ?? {});
    const cpu = processes
      .map((p) => [p, median(found.map((one) => one.cpuMicros[p] ?? 0))] as const)
      .filter(([, us]) => us > 0.05);
    const used = cpu.map(([p]) => p);
    const memory = used.map((p) => [p, Math.max(...found.map((one) => one.peakMib[p] ?? 0))] as const);
    return [
      stage,
      whole(median(found.map((one) => one.logsPerSecond))),
      cpu.map(([p, us]) => `${p} ${us.toFixed(1)}`).join(', '),
      cpu.reduce((sum, [, us]) => sum + us, 0).toFixed(1),
      memory.map(([p, mib]) => `${p} ${whole(mib)}`).join(', '),
    ];
  });
  return markdownTable(['stage', 'logs/s', 'CPU µs per log', 'in all', 'peak MiB'], rows);
}
