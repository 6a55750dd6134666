import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeOpenLoad } from './growth-load.ts';
import type { LogFile } from './growth-load.ts';
import { growthPlot } from './growth-plot.ts';
import { AXES, FACTORS, growthTables, PARTS_OF_COST, tooSteep } from './growth-report.ts';
import type { Axis, Cost, Point } from './growth-report.ts';
import { ROOT } from './install-size.ts';
import { openFullLab } from './lab.ts';
import type { FullLab } from './lab.ts';
import { collectedBytes, prepareDelivery, prepareLoad } from './load.ts';
import { measure } from './measure.ts';
import type { Measured } from './measure.ts';
import { median, progress, warnOfOthers, whole } from './report.ts';
import type { BenchOptions, Report } from './report.ts';
import { ask, expectSame, startAllRoles } from './stages.ts';
import { isDrained } from './streams.ts';
import { until } from './until.ts';

/** Part `growth`: CPU per log over the whole way with ten times the logs, ten times the open transactions, ten times the partitions. */

const PARTITIONS = 4;
const WARM_UP_TRANSACTIONS = 10_000;
/** Three logs for each of them: about as many as the load of the small case has. */
const TURNS_AN_OPEN_TRANSACTION = 0.5;
const PLOT = join(ROOT, 'docs', 'growth.svg');

/** What is delivered to roles that are at work; the last of the files is measured. */
interface Case {
  axis: Axis;
  /** As the axis counts: logs, open transactions or partitions. */
  size: number;
  partitions: number;
  files: (LogFile & { logs: number })[];
}

export async function measureGrowth(dir: string, options: BenchOptions): Promise<Report> {
  const points: Point[] = [];
  for (const axis of AXES) {
    for (const factor of FACTORS) {
      const costs: Cost[] = [];
      let size = 0;
      for (let run = 1; run <= options.repeats; run += 1) {
        const place = join(dir, `${axis}-${factor}-${run}`);
        await mkdir(place);
        const one = await prepareCase(place, axis, factor, options);
        const measured = await measureCase(place, one);
        await rm(place, { recursive: true, force: true });
        size = one.size;
        costs.push(costOf(measured));
        progress(
          `${axis} ×${factor} (${whole(size)}), run ${run}: ${whole(measured.logsPerSecond)} logs/s, ${costOf(measured).all.toFixed(1)} µs a log`,
        );
        warnOfOthers(measured.otherCores);
      }
      points.push({ axis, factor, size, cost: medianCost(costs) });
    }
  }
  const text = [
    `CPU µs per log over the whole way, processes warm, medians of ${options.repeats} runs; in brackets the ratio to the small case`,
    growthTables(points),
  ];
  if (!options.quick) {
    await writeFile(PLOT, growthPlot(points));
    text.push('docs/growth.svg was written');
  }
  return { figures: points, text: text.join('\n\n'), ...tooSteep(points) };
}

async function prepareCase(dir: string, axis: Axis, factor: number, options: BenchOptions): Promise<Case> {
  const partitions = axis === 'partitions' ? PARTITIONS * factor : PARTITIONS;
  if (axis === 'open transactions') {
    const size = options.open * factor;
    const { opening, turning } = await writeOpenLoad(dir, size, options.open * TURNS_AN_OPEN_TRANSACTION);
    return {
      axis,
      size,
      partitions,
      files: [opening, turning].map((file) => ({ ...file, logs: file.lines })),
    };
  }
  const transactions = axis === 'logs' ? options.transactions * factor : options.transactions;
  const warmUp = Math.min(WARM_UP_TRANSACTIONS, options.transactions);
  const loads = [await prepareLoad(dir, 'warm', warmUp), await prepareLoad(dir, 'load', transactions)];
  const files = loads.map(({ ledger, ...file }) => ({ ...file, ...ledger }));
  return { axis, size: axis === 'logs' ? (files[1]?.lines ?? 0) : partitions, partitions, files };
}

async function measureCase(dir: string, { partitions, files }: Case): Promise<Measured> {
  const lab = await openFullLab(dir, { partitions });
  try {
    const roles = await startAllRoles(lab);
    let measured: Measured | undefined;
    let delivered = 0;
    for (const [index, file] of files.entries()) {
      delivered += file.bytes;
      const deliver = await prepareDelivery(lab, file, String(index));
      measured = await measure(lab, file.lines, roles, async () => {
        await deliver();
        await until('the file is collected', async () => (await collectedBytes(lab)) === delivered);
        await until('everything is stored', () => isDrained(lab));
      });
    }
    await expectRows(lab, files);
    if (measured === undefined) throw new TypeError('nothing was delivered');
    return measured;
  } finally {
    await lab.stop();
  }
}

/** Repetitions are rows of their own until merges take them away, so logs are counted by their ids. */
async function expectRows(lab: FullLab, files: Case['files']): Promise<void> {
  const expected = { logs: 0, transactions: 0 };
  for (const { logs, transactions } of files) {
    expected.logs += logs;
    expected.transactions += transactions;
  }
  const [logs] = await ask<{ n: string }>(lab, 'SELECT uniqExact(event_id) AS n FROM tranweave.tracking_log');
  const [summaries] = await ask<{ n: string }>(lab, 'SELECT count() AS n FROM tranweave.transaction_summary');
  expectSame('logs, transactions', [logs?.n, summaries?.n], [expected.logs, expected.transactions]);
}

function costOf({ cpuMicros }: Measured): Cost {
  const cost = { collector: 0, processors: 0, sinks: 0, redis: 0, clickhouse: 0, all: 0 };
  for (const [name, micros] of Object.entries(cpuMicros)) {
    const part = PARTS_OF_COST.find((part) => part === name) ?? 'processors';
    cost[part] += micros;
    cost.all += micros;
  }
  return cost;
}

function medianCost(costs: readonly Cost[]): Cost {
  const names = [...PARTS_OF_COST, 'all'] as const;
  return Object.fromEntries(
    names.map((name) => [name, median(costs.map((cost) => cost[name]))]),
  ) as unknown as Cost;
}
