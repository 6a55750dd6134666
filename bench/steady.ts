import { join } from 'node:path';
import { startHelper } from './helper.ts';
import type { FullLab, LabConfig, RunningRole } from './lab.ts';
import type { BenchOptions } from './report.ts';
import { ask } from './stages.ts';
import { writeSteadyLoad } from './steady-load.ts';
import type { SteadyLoad } from './steady-load.ts';
import type { SentSteadily } from './steady-sender.ts';
import { isDrained } from './streams.ts';
import { until } from './until.ts';

/** A steady load by HTTP, planned beforehand, over one collector, one processor and one sinks process. */

export const LOGS_A_POST = 50;
/** Of every load: it warms the processes up, and is looked at by nobody. */
export const WARM_UP_SECONDS = 5;
/** Between two steps of a transaction. */
const STEP_GAP_SECONDS = 1;
const STEPS = 3;

export type SteadyRoles = Record<'collector' | 'processor' | 'sinks', RunningRole>;

/** @param sinksConfig what the sinks process has otherwise than the lab. */
export async function startSteadyRoles(lab: FullLab, sinksConfig?: LabConfig): Promise<SteadyRoles> {
  return {
    sinks: await lab.start('sinks', sinksConfig),
    processor: await lab.start('processor'),
    collector: await lab.start('collector'),
  };
}

export function prepareSteadyLoad(dir: string, { rate, seconds }: BenchOptions): Promise<SteadyLoad> {
  const transactionsPerSecond = Math.ceil(rate / STEPS);
  return writeSteadyLoad(
    join(dir, 'steady.ndjson'),
    transactionsPerSecond * (seconds + WARM_UP_SECONDS),
    transactionsPerSecond * STEP_GAP_SECONDS,
  );
}

/** Sends the load, and waits until every log is in its table and nothing is on its way. */
export async function passSteadily(
  lab: FullLab,
  { file, lines }: SteadyLoad,
  rate: number,
): Promise<SentSteadily> {
  const sender = startHelper('steady-sender', [lab.httpUrl, file, String(LOGS_A_POST), String(rate)]);
  await sender.told();
  sender.tell('go');
  const sent = await sender.told<SentSteadily>();
  await sender.end();
  await until('everything is stored', () => isDrained(lab));
  const [found] = await ask<{ n: string }>(lab, 'SELECT count() AS n FROM tranweave.tracking_log');
  if (Number(found?.n) !== lines)
    throw new Error(`tracking_log has ${found?.n} rows where ${lines} were sent`);
  return sent;
}
