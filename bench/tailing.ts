import { appendFile } from 'node:fs/promises';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { openLab } from './lab.ts';
import type { Lab, RunningRole } from './lab.ts';
import { markdownTable, median, warnOfOthers, whole } from './report.ts';
import type { BenchOptions, Report } from './report.ts';
import { watchOthers } from './process-usage.ts';
import { until } from './until.ts';

/** Part `tailing`: what it costs a collector to follow many files of which few are written to, and to follow them when none is. */

const FILES = 2_000;
const ACTIVE = 200;
/** Lines a second of each active file. */
const LINES_PER_SECOND = 5;
const SAMPLE_MS = 500;
/** Until Redis was asked for the last time whether it still has what was appended last. */
const REST_MS = 65_000;
const MIB = 1024 ** 2;

const AIMS = { mib: 150, idlePercent: 1 };

interface Figures {
  /** Most memory that it had. */
  mib: number;
  idleMib: number;
  activePercent: number;
  idlePercent: number;
}

export async function measureTailing(dir: string, options: BenchOptions): Promise<Report> {
  const seconds = options.quick ? 10 : Math.max(30, options.seconds);
  const lab = await openLab(dir);
  try {
    for (let i = 0; i < FILES; i += 1) await appendFile(fileOf(lab, i), linesOf(i, 0, 3));
    const collector = await lab.start('collector');
    await until(
      'every file was read',
      async () => (await lab.redisClient.hlen('tranweave:low-water:files')) === FILES,
    );
    const others = watchOthers([process.pid, collector.pid, ...Object.values(lab.stores)]);
    const figures = await watch(lab, collector, seconds);
    warnOfOthers(others());
    return { figures, text: table(figures, seconds), ...tooMuch(figures) };
  } finally {
    await lab.stop();
  }
}

async function watch(lab: Lab, collector: RunningRole, seconds: number): Promise<Figures> {
  const rss: number[] = [];
  const sample = () => rss.push(collector.usage().rssBytes / MIB);
  const active = await percentOf(collector, async () => {
    for (let tick = 1; tick <= seconds * 2; tick += 1) {
      const per = Math.ceil((LINES_PER_SECOND * SAMPLE_MS) / 1000);
      for (let i = 0; i < ACTIVE; i += 1) await appendFile(fileOf(lab, i), linesOf(i, tick * per, per));
      sample();
      await delay(SAMPLE_MS);
    }
  });
  await delay(REST_MS);
  const idleRss: number[] = [];
  const idle = await percentOf(collector, async () => {
    for (let tick = 0; tick < seconds * 2; tick += 1) {
      await delay(SAMPLE_MS);
      idleRss.push(collector.usage().rssBytes / MIB);
    }
  });
  return {
    mib: Math.max(...rss, ...idleRss),
    idleMib: median(idleRss),
    activePercent: active,
    idlePercent: idle,
  };
}

/** Of one core, while the work is done. */
async function percentOf(role: RunningRole, work: () => Promise<void>): Promise<number> {
  const [started, before] = [performance.now(), role.usage().cpuMicros];
  await work();
  return (role.usage().cpuMicros - before) / 10 / (performance.now() - started);
}

function fileOf({ inbox }: Lab, number: number): string {
  return join(inbox, `${number}.log`);
}

function linesOf(file: number, from: number, count: number): string {
  return Array.from({ length: count }, (_, i) => {
    const log = { transaction_id: `${file}-${from + i}`, step: 'send', status: 'succeeded' };
    return `${JSON.stringify({ ...log, event_time: '2026-01-31T09:15:00Z' })}\n`;
  }).join('');
}

function table(figures: Figures, seconds: number): string {
  const rows = [
    ['memory, most (MiB)', whole(figures.mib), `< ${AIMS.mib}`, figures.mib < AIMS.mib ? 'yes' : 'no'],
    ['memory, idle (MiB)', whole(figures.idleMib), '', ''],
    [`CPU while ${ACTIVE} files are written to (% of a core)`, figures.activePercent.toFixed(1), '', ''],
    [
      'CPU idle (% of a core)',
      figures.idlePercent.toFixed(2),
      `< ${AIMS.idlePercent}`,
      figures.idlePercent < AIMS.idlePercent ? 'yes' : 'no',
    ],
  ];
  const head = `${whole(FILES)} files in one folder, ${ACTIVE} of them with ${LINES_PER_SECOND} lines/s each over ${seconds} s, then none for as long`;
  return `${head}\n\n${markdownTable(['one collector', 'measured', 'aim', 'reached'], rows)}`;
}

function tooMuch({ idlePercent }: Figures): Pick<Report, 'tooSlow'> {
  if (idlePercent < AIMS.idlePercent * 3) return {};
  return { tooSlow: `an idle collector of ${FILES} files takes ${idlePercent.toFixed(1)}% of a core` };
}
