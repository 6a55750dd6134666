import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command, Option } from 'commander';
import { progress } from './report.ts';
import type { BenchOptions, Report } from './report.ts';
import { measureScaling } from './scaling.ts';
import { measureSizing } from './sizing.ts';
import { measureWay, WHOLE_WAY_FLOOR } from './way.ts';

/** `npm run bench`: what Tranweave does on this machine, and what it costs. The tables are Markdown, as docs/ has them. */

const PARTS = {
  way: measureWay,
  scaling: measureScaling,
  sizing: measureSizing,
} satisfies Record<string, (dir: string, options: BenchOptions) => Promise<Report>>;
type PartName = keyof typeof PARTS;

interface Options extends BenchOptions {
  only?: PartName[];
  check?: true;
  json?: true;
}

const command = new Command('bench')
  .option('-n, --transactions <count>', 'transactions of about three logs each', Number, 60_000)
  .option('-r, --repeats <count>', 'measured repeats after one warm-up; medians are shown', Number, 3)
  .addOption(new Option('--only <part...>', 'measure these parts and no others').choices(Object.keys(PARTS)))
  .option('--check', `end with an error if the whole way does less than ${WHOLE_WAY_FLOOR} logs a second`)
  .option('--json', 'print the figures of every run as JSON instead of tables')
  .parse();
const options = command.opts<Options>();
const parts = options.only ?? (Object.keys(PARTS) as PartName[]);
if (options.check === true && !parts.includes('way')) command.error('--check needs the part `way`');

const figures: Record<string, unknown> = {};
if (options.json !== true) process.stdout.write(`${availableParallelism()} cores\n`);
for (const name of parts) {
  progress(`— ${name}`);
  const report = await inFolder((dir) => PARTS[name](dir, options));
  figures[name] = report.figures;
  if (options.json !== true) process.stdout.write(`\n${report.text}\n`);
  if (options.check === true && report.tooSlow !== undefined) {
    process.stderr.write(`${report.tooSlow}\n`);
    process.exitCode = 1;
  }
}
if (options.json === true) process.stdout.write(`${JSON.stringify(figures, null, 2)}\n`);

async function inFolder(work: (dir: string) => Promise<Report>): Promise<Report> {
  const dir = await mkdtemp(join(tmpdir(), 'tranweave-bench-'));
  try {
    return await work(dir);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}
