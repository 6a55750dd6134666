import { execFile } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { Readable } from 'node:stream';
import { promisify } from 'node:util';
import { DECODER_SAMPLES } from './decoder-samples.ts';
import type { LoopFigures } from './decoder-loop.ts';
import { startHelper } from './helper.ts';
import { openLab } from './lab.ts';
import type { Lab, LabConfig } from './lab.ts';
import { emptyRedis, isCollected, prepareDelivery } from './load.ts';
import { measure } from './measure.ts';
import type { Measured } from './measure.ts';
import { markdownTable, median, progress, warnOfOthers, whole } from './report.ts';
import type { BenchOptions, Report } from './report.ts';
import { measureRsyslog } from './rsyslog.ts';
import { LINE_CPU_ELSEWHERE } from './targets.ts';
import { until } from './until.ts';

/** Part `decoders`: what each decoder takes of a core, and what a collector takes for a line of a file. */

const RECORDS = { full: 100_000, quick: 10_000 };
const LINES = { full: 1_000_000, quick: 100_000 };
/** Of the lines, as they were where other programs were measured. */
const LINE_BYTES = 340;
const MB = 1e6;

const run = promisify(execFile);

export async function measureDecoders(dir: string, options: BenchOptions): Promise<Report> {
  const size = options.quick ? 'quick' : 'full';
  const decoders: { what: string; runs: LoopFigures[] }[] = [];
  for (const [index, { what }] of DECODER_SAMPLES.entries()) {
    progress(`  ${what}`);
    const runs: LoopFigures[] = [];
    for (let repeat = 0; repeat < options.repeats; repeat += 1) runs.push(await loop(index, RECORDS[size]));
    decoders.push({ what, runs });
  }
  const files = await measureFiles(dir, LINES[size], options);
  return {
    figures: { decoders, files },
    text: `${decoderTable(decoders)}\n\n${fileTable(files)}`,
  };
}

async function loop(index: number, records: number): Promise<LoopFigures> {
  const helper = startHelper('decoder-loop', [String(index), String(records)]);
  const figures = await helper.told<LoopFigures>();
  await helper.end();
  return figures;
}

interface FileFigures {
  lines: number;
  bytes: number;
  /** `wc -l` of the same file, in bytes a second. */
  wcBytesPerSecond: number[];
  /** A collector that reads, cuts and filters every line out. */
  tailer: Measured[];
  /** One that appends every line. */
  collector: Measured[];
  /** rsyslog, right after each of them; empty where it is not installed. */
  rsyslog: Measured[];
}

async function measureFiles(dir: string, lines: number, { repeats }: BenchOptions): Promise<FileFigures> {
  const file = join(dir, 'lines.ndjson');
  await pipeline(Readable.from(pieces(lines)), createWriteStream(file));
  const { size: bytes } = await stat(file);
  const lab = await openLab(dir);
  const figures: FileFigures = { lines, bytes, wcBytesPerSecond: [], tailer: [], collector: [], rsyslog: [] };
  try {
    for (let repeat = 0; repeat < repeats; repeat += 1) {
      progress(`  files, run ${repeat + 1}`);
      figures.wcBytesPerSecond.push(bytes / (await wordCount(file)));
      figures.tailer.push(await collected(lab, { file, bytes }, lines, filteredOut(lab)));
      figures.collector.push(await collected(lab, { file, bytes }, lines));
      const rsyslog = await measureRsyslog(lab, join(dir, `rsyslog-${repeat}`), file, lines);
      if (rsyslog !== undefined) figures.rsyslog.push(rsyslog);
    }
  } finally {
    await lab.stop();
  }
  return figures;
}

async function collected(
  lab: Lab,
  load: { file: string; bytes: number },
  lines: number,
  config?: LabConfig,
): Promise<Measured> {
  await emptyRedis(lab);
  const collector = await lab.start('collector', config);
  const deliver = await prepareDelivery(lab, load, 'a');
  const measured = await measure(lab, lines, { collector }, async () => {
    await deliver();
    await until('the file is collected', () => isCollected(lab, load.bytes));
  });
  await collector.stop();
  warnOfOthers(measured.otherCores);
  return measured;
}

/** Every line is read and cut, becomes one field, and is no log. */
function filteredOut({ inbox }: Lab): LabConfig {
  const skip = { field: 'text', not: '' };
  const input = {
    name: 'files',
    type: 'file',
    paths: [join(inbox, '*.log')],
    decoder: { type: 'text' },
    skip,
  };
  return { inputs: [input] };
}

/** Seconds that it takes, in a process of its own. */
async function wordCount(file: string): Promise<number> {
  const started = performance.now();
  await run('wc', ['-l', file]);
  return (performance.now() - started) / 1000;
}

/** Standard logs, each of them a line of as many bytes. */
function* pieces(lines: number): Generator<string> {
  const at = Date.UTC(2026, 0, 31, 9, 15);
  for (let from = 0; from < lines; from += 1_000) {
    const part = Array.from({ length: Math.min(1_000, lines - from) }, (_, index) => line(from + index, at));
    yield part.join('');
  }
}

function line(number: number, at: number): string {
  const log = {
    transaction_id: `bench-${String(Math.floor(number / 3)).padStart(8, '0')}`,
    interface_id: `shop-wms-${number % 7}`,
    step: ['send', 'hub', 'receive'][number % 3],
    status: 'succeeded',
    event_time: new Date(at + number).toISOString(),
    node: `hub-${number % 4}`,
    source_system: 'SHOP',
    target_system: 'WMS',
    attributes: { text: '' },
  };
  const bare = JSON.stringify(log);
  // The newline is one of them.
  return `${JSON.stringify({ ...log, attributes: { text: 'x'.repeat(LINE_BYTES - 1 - bare.length) } })}\n`;
}

function decoderTable(decoders: readonly { what: string; runs: readonly LoopFigures[] }[]): string {
  const rows = decoders.map(({ what, runs }) => {
    const of = (pick: (figures: LoopFigures) => number) => median(runs.map(pick));
    return [
      what,
      whole(of(({ bytesPerRecord }) => bytesPerRecord)),
      whole(of(({ recordsPerSecond }) => recordsPerSecond)),
      of(({ cpuMicros }) => cpuMicros).toFixed(2),
      of(({ jsonCpuMicros }) => jsonCpuMicros).toFixed(2),
      of(({ cpuMicros, jsonCpuMicros }) => cpuMicros / jsonCpuMicros).toFixed(1),
    ];
  });
  const titles = [
    'decoder',
    'bytes',
    'records/s',
    'CPU µs a record',
    'JSON.parse of the same',
    'times as much',
  ];
  return markdownTable(titles, rows);
}

function fileTable({ lines, bytes, wcBytesPerSecond, tailer, collector, rsyslog }: FileFigures): string {
  const row = (what: string, runs: readonly Measured[], process = 'collector') => {
    const perSecond = median(runs.map(({ logsPerSecond }) => logsPerSecond));
    const cpu = median(runs.map(({ cpuMicros }) => cpuMicros[process] ?? NaN));
    return [what, whole(perSecond), whole((perSecond * bytes) / lines / MB), cpu.toFixed(1)];
  };
  const wc = median(wcBytesPerSecond);
  const rows = [
    ['`wc -l`', whole((wc * lines) / bytes), whole(wc / MB), ''],
    row('tailer: read, cut, every line filtered out', tailer),
    row('collector, file (JSON lines) → Redis', collector),
    ...(rsyslog.length > 0 ? [row('rsyslog, imfile → Redis list', rsyslog, 'rsyslog')] : []),
    ...LINE_CPU_ELSEWHERE.map(({ what, linesPerSecond, cpuMicros }) => [
      `${what}, measured elsewhere`,
      whole(linesPerSecond),
      whole((linesPerSecond * LINE_BYTES) / MB),
      cpuMicros.toFixed(1),
    ]),
  ];
  const head = `One file of ${whole(lines)} JSON lines of ${LINE_BYTES} bytes`;
  return `${head}\n\n${markdownTable(['what', 'lines/s', 'MB/s', 'CPU µs a line'], rows)}`;
}
