import { PROCESSOR_GROUP } from '../common/redis/groups.ts';
import { asleepBefore, NAP_CONFIG } from './backlog.ts';
import { measureJoining } from './joining.ts';
import type { Joined } from './joining.ts';
import { openLab } from './lab.ts';
import type { Lab } from './lab.ts';
import { prepareLoad } from './load.ts';
import type { Load } from './load.ts';
import { markdownTable, median, progress, warnOfOthers, whole } from './report.ts';
import type { BenchOptions, Report } from './report.ts';
import { measure } from './measure.ts';
import type { Measured } from './measure.ts';
import { isDrained } from './streams.ts';
import { until } from './until.ts';

/** Part `scaling`: Redis → summaries by one processor and by two, and what happens when the second one is added under load. */

/** Transactions of the load that warms processors up. */
const WARM_UP_TRANSACTIONS = 10_000;

export async function measureScaling(dir: string, options: BenchOptions): Promise<Report> {
  const [one, two]: [Measured[], Measured[]] = [[], []];
  const joined: Joined[] = [];
  const lab = await openLab(dir, NAP_CONFIG);
  try {
    const warmUp = await prepareLoad(dir, 'warm', WARM_UP_TRANSACTIONS);
    const load = await prepareLoad(dir, 'load', options.transactions * 2);
    const deep = await prepareLoad(dir, 'deep', options.transactions * 4);
    for (let repeat = 1; repeat <= options.repeats; repeat += 1) {
      one.push(await sideBySide(lab, 1, warmUp, load));
      two.push(await sideBySide(lab, 2, warmUp, load));
      const [first] = await asleepBefore(lab, 1, warmUp, deep);
      if (first === undefined) throw new TypeError('no processor was started');
      joined.push(await measureJoining(lab, first, warmUp.ledger.lines, deep.ledger.lines));
      const [alone, both, join] = [one.at(-1), two.at(-1), joined.at(-1)];
      progress(
        `run ${repeat}  one ${whole(alone?.logsPerSecond ?? 0)} logs/s, two ${whole(both?.logsPerSecond ?? 0)}; ` +
          `a second one joins: ${whole(join?.before.logsPerSecond ?? 0)}, then ${whole(join?.after.logsPerSecond ?? 0)}`,
      );
      for (const run of [alone, both, join]) warnOfOthers(run?.otherCores ?? 0);
    }
  } finally {
    await lab.stop();
  }
  return { figures: { one, two, joined }, text: report(one, two, joined) };
}

async function sideBySide(lab: Lab, count: number, warmUp: Load, load: Load): Promise<Measured> {
  const processors = await asleepBefore(lab, count, warmUp, load);
  const roles = Object.fromEntries(processors.map((role, index) => [`processor ${index + 1}`, role]));
  const measured = await measure(lab, load.ledger.lines, roles, async () => {
    for (const processor of processors) processor.signal('SIGCONT');
    await until('the backlog is merged', () => isDrained(lab, PROCESSOR_GROUP));
  });
  await Promise.all(processors.map((processor) => processor.stop()));
  return measured;
}

function report(one: readonly Measured[], two: readonly Measured[], joined: readonly Joined[]): string {
  const alone = median(one.map((run) => run.logsPerSecond));
  const both = median(two.map((run) => run.logsPerSecond));
  const before = median(joined.map((join) => join.before.logsPerSecond));
  const after = median(joined.map((join) => join.after.logsPerSecond));
  const micros = (values: readonly number[]) => median(values).toFixed(1);
  const seconds = median(joined.map((join) => join.secondsToShare));
  const rows = [
    ['one processor', whole(alone), '1', micros(one.map(processorsMicros))],
    ['two processors', whole(both), ratio(both, alone), micros(two.map(processorsMicros))],
    [
      'one, at work on a deep backlog',
      whole(before),
      '1',
      micros(joined.map((join) => join.before.cpuMicros)),
    ],
    [
      'the same after a second one was started',
      whole(after),
      ratio(after, before),
      micros(joined.map((join) => join.after.cpuMicros)),
    ],
  ];
  const titles = ['Redis → summaries', 'logs/s', 'ratio', "processors' CPU µs per log"];
  const redis = micros([...one, ...two].map((run) => run.cpuMicros['redis'] ?? 0));
  return (
    `Medians of ${one.length} runs, processors warm; Redis used ${redis} µs per log\n\n` +
    `${markdownTable(titles, rows)}\n\n` +
    `The second one held its half of the partitions ${seconds.toFixed(1)} s after its process was started.`
  );
}

function ratio(value: number, base: number): string {
  return (value / base).toFixed(2);
}

function processorsMicros({ cpuMicros }: Measured): number {
  return Object.entries(cpuMicros).reduce((all, [name, us]) => (name === 'redis' ? all : all + us), 0);
}
