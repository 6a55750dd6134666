import { setTimeout as delay } from 'node:timers/promises';
import { installSize, ROOT } from './install-size.ts';
import { openFullLab } from './lab.ts';
import type { RunningRole } from './lab.ts';
import { usageOf } from './process-usage.ts';
import { markdownTable, median, warnOfOthers, whole } from './report.ts';
import type { BenchOptions, Report } from './report.ts';
import { measure } from './measure.ts';
import { passSteadily, prepareSteadyLoad, startSteadyRoles, WARM_UP_SECONDS } from './steady.ts';
import { MEMORY_TARGETS } from './targets.ts';

/** Part `memory`: what processes keep in memory under a steady load and idle (RSS, as the kernel counts it), and what an image has to carry. */

const SAMPLE_MS = 500;
const IDLE_SECONDS = 10;
const MIB = 1024 ** 2;

/** MiB of a process, sample by sample. */
type Samples = Record<string, number[]>;

export async function measureMemory(dir: string, options: BenchOptions): Promise<Report> {
  const load = await prepareSteadyLoad(dir, options);
  const lab = await openFullLab(dir);
  try {
    const idle = await idleCollector(await lab.start('collector'), options.quick ? 2 : IDLE_SECONDS);
    const roles = await startSteadyRoles(lab);
    const pids = { ...lab.stores, ...pidsOf(roles) };
    const watch = sampleMemory(pids);
    const measured = await measure(lab, load.lines, roles, async () => {
      await passSteadily(lab, load, options.rate);
    });
    const samples = { ...watch.stop(), 'idle collector': idle };
    warnOfOthers(measured.otherCores);
    const install = installSize(ROOT);
    const text = [
      `RSS in MiB at ${whole(options.rate)} logs/s over ${options.seconds} s after ${WARM_UP_SECONDS} s of warm-up, every ${SAMPLE_MS} ms; one process of each role`,
      memoryTable(samples),
      `node_modules of the production image: ${(install.bytes / MIB).toFixed(1)} MiB in ${install.files} files of ${install.packages} packages; ` +
        `the largest: ${install.largest.map(({ name, bytes }) => `${name} ${(bytes / MIB).toFixed(1)}`).join(', ')}`,
    ];
    return { figures: { samples, install }, text: text.join('\n\n'), ...tooMuch(samples) };
  } finally {
    await lab.stop();
  }
}

async function idleCollector(collector: RunningRole, seconds: number): Promise<number[]> {
  await delay(seconds * 1000);
  const { rssBytes } = collector.usage();
  await collector.stop();
  return [rssBytes / MIB];
}

function pidsOf(roles: Readonly<Record<string, RunningRole>>): Record<string, number> {
  return Object.fromEntries(Object.entries(roles).map(([name, { pid }]) => [name, pid]));
}

/** What came before the warm-up was over is left out. */
function sampleMemory(pids: Readonly<Record<string, number>>): { stop(): Samples } {
  const samples: Samples = Object.fromEntries(Object.keys(pids).map((name) => [name, []]));
  const started = performance.now();
  const timer = setInterval(() => {
    if (performance.now() - started < WARM_UP_SECONDS * 1000) return;
    for (const [name, pid] of Object.entries(pids)) samples[name]?.push(usageOf(pid).rssBytes / MIB);
  }, SAMPLE_MS);
  return {
    stop: () => {
      clearInterval(timer);
      return samples;
    },
  };
}

function memoryTable(samples: Samples): string {
  const rows = Object.entries(samples).map(([name, mib]) => {
    const aim = aimOf(name);
    const most = Math.max(...mib);
    const aimed = aim === undefined ? [] : [`≤ ${aim}`, most <= aim ? 'yes' : 'no'];
    return [name, whole(median(mib)), whole(most), ...aimed];
  });
  return markdownTable(['process', 'median', 'most', 'aim', 'reached'], rows);
}

function tooMuch(samples: Samples): Pick<Report, 'tooSlow'> {
  const words = Object.entries(MEMORY_TARGETS).flatMap(([name, { ceiling }]) => {
    const most = Math.max(...(samples[name] ?? []));
    return most <= ceiling ? [] : [`${name} takes ${whole(most)} MiB, more than ${ceiling}`];
  });
  return words.length === 0 ? {} : { tooSlow: words.join('\n') };
}

function aimOf(name: string): number | undefined {
  return name in MEMORY_TARGETS ? MEMORY_TARGETS[name as keyof typeof MEMORY_TARGETS].aim : undefined;
}
