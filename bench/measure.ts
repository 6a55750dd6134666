import type { Lab, RunningRole } from './lab.ts';
import { usageOf, watchOthers } from './process-usage.ts';

/** One measurement of one stage. */
export interface Measured {
  logsPerSecond: number;
  /** CPU µs per log, by process. */
  cpuMicros: Record<string, number>;
  /** Peak memory in MiB, by process. */
  peakMib: Record<string, number>;
  /** Cores that programs which are none of ours used meanwhile, on average. */
  otherCores: number;
}

/**
 * Times `work` over so many logs, and what the processes use meanwhile.
 *
 * @param helpers pids of what is ours as well, but not measured.
 */
export async function measure(
  lab: Lab,
  logs: number,
  roles: Readonly<Record<string, Pick<RunningRole, 'pid'>>>,
  work: () => Promise<void>,
  helpers: readonly number[] = [],
): Promise<Measured> {
  const pids: Record<string, number> = { ...lab.stores };
  for (const [name, role] of Object.entries(roles)) pids[name] = role.pid;
  const before = Object.entries(pids).map(([name, pid]) => [name, usageOf(pid).cpuMicros] as const);
  const otherCores = watchOthers([...Object.values(pids), ...helpers]);
  const started = process.hrtime.bigint();
  await work();
  const seconds = Number(process.hrtime.bigint() - started) / 1e9;
  const others = otherCores();
  const cpuMicros: Record<string, number> = {};
  const peakMib: Record<string, number> = {};
  for (const [name, cpu] of before) {
    const usage = usageOf(pids[name] ?? 0);
    cpuMicros[name] = (usage.cpuMicros - cpu) / logs;
    peakMib[name] = usage.peakBytes / 1024 ** 2;
  }
  return { logsPerSecond: logs / seconds, cpuMicros, peakMib, otherCores: others };
}
