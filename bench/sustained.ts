import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { openFullLab } from './lab.ts';
import type { FullLab } from './lab.ts';
import { collectedBytes, prepareLoad } from './load.ts';
import type { Load } from './load.ts';
import { measure } from './measure.ts';
import type { Measured } from './measure.ts';
import { redisReference } from './references.ts';
import { progress, warnOfOthers, whole } from './report.ts';
import type { BenchOptions } from './report.ts';
import { ask, expectTables, startAllRoles } from './stages.ts';
import { isDrained } from './streams.ts';
import { until } from './until.ts';

/** The whole way for minutes: file after file, so that nothing is ever idle and nothing can be put off to after the end. */

export interface Sustained {
  measured: Measured;
  seconds: number;
  /** Logs a second that became rows in the slowest of all windows of some length. */
  slowest: number;
  redisBenchmark: number;
}

/** Transactions are forgotten so long after they completed: at full speed all of an hour would not fit into this machine's memory. */
const CONFIG = { processor: { finished_retention: '2m' } };
const SAMPLE_MS = 1_000;
const WINDOW_SECONDS = 30;
/** The load is cut by what was found before, so it lasts about as long as was asked for. */
const TRANSACTIONS_A_FILE = 200_000;

interface Sample {
  seconds: number;
  rows: number;
}

/** @param expected logs a second that the whole way is likely to do. */
export async function measureSustained(
  dir: string,
  expected: number,
  { sustained: seconds = 60 }: BenchOptions,
): Promise<Sustained> {
  const lab = await openFullLab(dir, CONFIG);
  try {
    const redisBenchmark = await redisReference(lab);
    const loads = await prepareLoads(dir, expected * seconds);
    const lines = sum(loads, ({ ledger }) => ledger.lines);
    progress(`sustained: ${whole(lines)} logs in ${loads.length} files`);
    const roles = await startAllRoles(lab);
    const samples: Sample[] = [];
    const measured = await measure(lab, lines, roles, () => pass(lab, loads, samples));
    warnOfOthers(measured.otherCores);
    await Promise.all(Object.values(roles).map((role) => role.stop()));
    await expectTables(lab, {
      logs: sum(loads, ({ ledger }) => ledger.logs),
      record_count: sum(loads, ({ ledger }) => ledger.record_count),
      transactions: sum(loads, ({ ledger }) => ledger.transactions),
      failed: sum(loads, ({ ledger }) => ledger.failed),
    });
    const took = lines / measured.logsPerSecond;
    return { measured, seconds: took, slowest: slowestOf(samples), redisBenchmark };
  } finally {
    await lab.stop();
  }
}

async function prepareLoads(dir: string, logs: number): Promise<Load[]> {
  const loads: Load[] = [];
  for (let prepared = 0; prepared < logs; prepared += loads.at(-1)?.ledger.lines ?? 0) {
    const left = Math.ceil((logs - prepared) / 3);
    loads.push(await prepareLoad(dir, `s${loads.length}`, Math.min(left, TRANSACTIONS_A_FILE)));
  }
  return loads;
}

/** Two files are before the collector at any time, until there are no more; done when the last log is stored. */
async function pass(lab: FullLab, loads: readonly Load[], samples: Sample[]): Promise<void> {
  let delivered = 0;
  for (const [index, { file, bytes }] of loads.entries()) {
    await rename(file, join(lab.inbox, `${index}.log`));
    delivered += bytes;
    const waitsFor = index === loads.length - 1 ? delivered : delivered - bytes;
    while ((await collectedBytes(lab)) < waitsFor) {
      samples.push(await sample(lab));
      await delay(SAMPLE_MS);
    }
  }
  await until('everything is stored', () => isDrained(lab));
}

async function sample(lab: FullLab): Promise<Sample> {
  const [found] = await ask<{ n: string }>(lab, 'SELECT count() AS n FROM tranweave.tracking_log');
  return { seconds: performance.now() / 1000, rows: Number(found?.n) };
}

/** NaN where the run was shorter than a window. Merges take repetitions away: those are a hundredth. */
function slowestOf(samples: readonly Sample[]): number {
  let slowest = NaN;
  for (const from of samples) {
    const to = samples.find(({ seconds }) => seconds >= from.seconds + WINDOW_SECONDS);
    if (to === undefined) break;
    const pace = (to.rows - from.rows) / (to.seconds - from.seconds);
    if (!(pace >= slowest)) slowest = pace;
  }
  return slowest;
}

export function sustainedText({ measured, seconds, slowest, redisBenchmark }: Sustained): string {
  const { logsPerSecond } = measured;
  const window = Number.isNaN(slowest)
    ? ''
    : `; in its slowest ${WINDOW_SECONDS} s ${whole(slowest)} logs became rows a second`;
  return (
    `Sustained: ${whole(logsPerSecond)} logs/s for ${(seconds / 60).toFixed(1)} minutes${window}; ` +
    `${(logsPerSecond / redisBenchmark).toFixed(3)} of redis-benchmark's ${whole(redisBenchmark)}`
  );
}

function sum<T>(items: readonly T[], value: (item: T) => number): number {
  return items.reduce((all, item) => all + value(item), 0);
}
