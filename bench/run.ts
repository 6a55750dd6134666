import '../common/source-lines.ts';
import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { measureDecoders } from './decoders.ts';
import { measureGrowth } from './growth.ts';
import { measureLatency } from './latency.ts';
import { measureMemory } from './memory.ts';
import { measureMq } from './mq.ts';
import { progress } from './report.ts';
import type { BenchOptions, Report } from './report.ts';
import { measureScaling } from './scaling.ts';
import { measureSizing } from './sizing.ts';
import { measureTailing } from './tailing.ts';
import { measureWay } from './way.ts';

/** `npm run bench`: what Tranweave does on this machine, and what it costs. The tables are Markdown, as docs/ has them. */

const PARTS = {
  way: measureWay,
  scaling: measureScaling,
  sizing: measureSizing,
  latency: measureLatency,
  growth: measureGrowth,
  memory: measureMemory,
  mq: measureMq,
  tailing: measureTailing,
  decoders: measureDecoders,
} satisfies Record<string, (dir: string, options: BenchOptions) => Promise<Report>>;
type PartName = keyof typeof PARTS;

/** What `--quick` measures if no part is named, and how much of it. */
const QUICK_PARTS: PartName[] = ['way'];
const QUICK = { transactions: 6_000, repeats: 1, rate: 1_000, seconds: 5, open: 2_000 };
const FULL = { transactions: 60_000, repeats: 3, rate: 10_000, seconds: 30, open: 100_000 };

interface Options extends Partial<Omit<BenchOptions, 'quick'>> {
  quick?: true;
  only?: PartName[];
  check?: true;
  json?: true;
}

const command = new Command('bench')
  .option(
    '-n, --transactions <count>',
    `transactions of about three logs each; ${FULL.transactions} by default`,
    count,
  )
  .option(
    '-r, --repeats <count>',
    `measured repeats after one warm-up; medians are shown; ${FULL.repeats} by default`,
    count,
  )
  .option('--rate <logs>', `logs a second of a steady load; ${FULL.rate} by default`, count)
  .option('--seconds <count>', `how long a steady load is looked at; ${FULL.seconds} by default`, count)
  .option(
    '--open <count>',
    `open transactions of the small case of the part growth, ten times as many in the largest; ${FULL.open} by default`,
    count,
  )
  .option('--sustained <time>', 'keep the whole way busy so long as well: 30s, 5m', secondsOf)
  .option(
    '--quick',
    'a short run without a warm-up, of the part `way` unless others are named; its figures are rough',
  )
  .addOption(new Option('--only <part...>', 'measure these parts and no others').choices(Object.keys(PARTS)))
  .option('--check', 'end with an error if something is below its floor (bench/targets.ts)')
  .option('--json', 'print the figures of every run as JSON instead of tables')
  .parse();
const { quick = false, only, check, json, ...given } = command.opts<Options>();
const options: BenchOptions = { ...(quick ? QUICK : FULL), ...given, quick };
const parts = only ?? (quick ? QUICK_PARTS : (Object.keys(PARTS) as PartName[]));

const figures: Record<string, unknown> = {};
if (json !== true) process.stdout.write(`${availableParallelism()} cores\n`);
for (const name of parts) {
  progress(`— ${name}`);
  const report = await inFolder((dir) => PARTS[name](dir, options));
  figures[name] = report.figures;
  if (json !== true) process.stdout.write(`\n${report.text}\n`);
  if (check === true && report.tooSlow !== undefined) {
    process.stderr.write(`${report.tooSlow}\n`);
    process.exitCode = 1;
  }
}
if (json === true) process.stdout.write(`${JSON.stringify(figures, null, 2)}\n`);

async function inFolder(work: (dir: string) => Promise<Report>): Promise<Report> {
  const dir = await mkdtemp(join(tmpdir(), 'tranweave-bench-'));
  try {
    return await work(dir);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

function count(text: string): number {
  const value = Number(text);
  if (!(Number.isSafeInteger(value) && value > 0)) throw new InvalidArgumentError('must be a whole number');
  return value;
}

function secondsOf(text: string): number {
  const [, amount, unit] = /^(\d+)([sm])$/.exec(text) ?? [];
  if (amount === undefined) throw new InvalidArgumentError('must be a time like 30s or 5m');
  return Number(amount) * (unit === 'm' ? 60 : 1);
}
