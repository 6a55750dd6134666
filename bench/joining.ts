import { setTimeout as delay } from 'node:timers/promises';
import { isShared, isSomeDrained } from './backlog.ts';
import type { Lab, RunningRole } from './lab.ts';
import { watchOthers } from './process-usage.ts';

/** What a second processor does to the throughput when it is started while the first is at work on a deep backlog. */
export interface Joined {
  /** The first alone, and both together. */
  before: Pace;
  after: Pace;
  /** From the start of the second one's process until it held its half of the partitions. */
  secondsToShare: number;
  /** Cores that programs which are none of ours used meanwhile, on average; the greater of both. */
  otherCores: number;
}

interface Pace {
  logsPerSecond: number;
  /** CPU µs per log of the processors together. */
  cpuMicros: number;
}

const SAMPLE_MS = 200;
/** Of the backlog: measured from, and the second one is started at. */
const FROM = 0.05;
const JOIN_AT = 0.3;

interface Sample {
  seconds: number;
  logs: number;
  cpuMicros: number;
}

/**
 * @param first a processor that sleeps before the backlog; it is woken.
 * @param merged logs that it has merged already.
 */
export async function measureJoining(
  lab: Lab,
  first: RunningRole,
  merged: number,
  backlog: number,
): Promise<Joined> {
  const processors = [first];
  const sample = async (): Promise<Sample> => {
    const logs = await Promise.all(processors.map((processor) => logsMergedBy(processor)));
    const cpu = processors.map((processor) => processor.usage().cpuMicros);
    return { seconds: performance.now() / 1000, logs: sum(logs) - merged, cpuMicros: sum(cpu) };
  };
  const reach = async (logs: number): Promise<Sample> => {
    for (;;) {
      const now = await sample();
      if (now.logs >= logs) return now;
      await delay(SAMPLE_MS);
    }
  };
  first.signal('SIGCONT');
  const watch = () => watchOthers([...Object.values(lab.stores), ...processors.map(({ pid }) => pid)]);
  const from = await reach(backlog * FROM);
  const othersBefore = watch();
  const joining = await reach(backlog * JOIN_AT);
  const before = othersBefore();
  processors.push(await lab.start('processor'));
  while (!(await isShared(lab, 2))) await delay(SAMPLE_MS);
  const shared = await sample();
  const othersAfter = watch();
  // Both have work until the first partition is at its end.
  while (!(await isSomeDrained(lab))) await delay(SAMPLE_MS);
  const end = await sample();
  const after = othersAfter();
  if (end.logs - shared.logs < backlog * 0.1) {
    throw new Error('the backlog is too short to see what a second processor does: use more --transactions');
  }
  await Promise.all(processors.map((processor) => processor.stop()));
  return {
    before: paceOf(from, joining),
    after: paceOf(shared, end),
    secondsToShare: shared.seconds - joining.seconds,
    otherCores: Math.max(before, after),
  };
}

function paceOf(from: Sample, to: Sample): Pace {
  const logs = to.logs - from.logs;
  return {
    logsPerSecond: logs / (to.seconds - from.seconds),
    cpuMicros: (to.cpuMicros - from.cpuMicros) / logs,
  };
}

function sum(values: readonly number[]): number {
  return values.reduce((all, value) => all + value, 0);
}

async function logsMergedBy({ adminUrl }: RunningRole): Promise<number> {
  const metrics = await (await fetch(`${adminUrl}/metrics`)).text();
  return Number(/^tranweave_processor_logs_total(?:\{.*\})? (\d+)/m.exec(metrics)?.[1] ?? 0);
}
