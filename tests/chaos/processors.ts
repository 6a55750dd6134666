import { performance } from 'node:perf_hooks';
import * as v from 'valibot';
import { describeError } from '../../common/errors.ts';
import { createFlowFinder, flowsEntries } from '../../common/flow.ts';
import { PROCESSOR_GROUP } from '../../common/redis/groups.ts';
import type { Summary } from '../../common/summary.ts';
import { until } from '../../common/testing/until.ts';
import { generateLogs } from '../../scripts/generate/generator.ts';
import type { Ledger } from '../../scripts/generate/generator.ts';
import { startAssault } from './assault.ts';
import type { Tally } from './assault.ts';
import { expectedOf } from './expected.ts';
import { fencedRefusals, isSettled, readFound } from './found.ts';
import { openGround } from './ground.ts';
import type { Ground } from './ground.ts';
import { judge } from './judge.ts';
import type { Found } from './judge.ts';
import { isFileCollected, post, sendAtRate } from './load.ts';
import { planActs } from './plan.ts';

/**
 * Processors that are killed and paused while logs flow. Afterwards every transaction's newest summary must be what merging
 * its logs gives, and its revisions must have been published exactly once.
 */
export interface ProcessorsOptions {
  seconds: number;
  /** Decides about the logs and about the signals. */
  seed: number;
  processors: number;
  partitions: number;
  /** Logs a second. */
  rate: number;
  say: (text: string) => void;
  signal: AbortSignal;
}

export interface Verdict extends Tally {
  transactions: number;
  logs: number;
  revisions: number;
  timedOut: number;
  late: number;
  fencedRefusals: number;
  /** What is not as it must be; empty if all is well. */
  differences: string[];
}

/** Of one interface deadlines pass while processors are killed; of the others none does. */
const DEADLINE_MS = 3_000;
const FLOWS = {
  default_flow: { steps: ['send', 'hub', 'receive'], deadline: '1h' },
  flows: [{ interface: 'stock', steps: ['send', 'hub', 'receive'], deadline: `${DEADLINE_MS}ms` }],
};
/** No sink reads, so the streams keep every revision for the judge. */
const SUMMARY_ENTRIES_MAX = 1_000_000;
const SETTLE_MS_MAX = 120_000;
/** Any deadline that is not of the flow that times out. */
const FAR_MS = 10 * 60_000;

export async function assaultProcessors(options: ProcessorsOptions): Promise<Verdict> {
  const { seconds, seed, say, signal } = options;
  const { lines, ledger } = makeLogs(options);
  const plan = planActs({ seed, ms: seconds * 1000, replicas: options.processors });
  await using ground = await openGround(options.partitions, {
    ...FLOWS,
    processor: { summary_entries_max: SUMMARY_ENTRIES_MAX },
  });
  const [assault] = await Promise.all([
    startAssault({
      ground,
      role: 'processor',
      group: PROCESSOR_GROUP,
      replicas: options.processors,
      say,
    }),
    ground.start('collector'),
  ]);
  say(`${lines.length} logs of ${ledger.transactions} transactions, ${plan.length} signals`);
  await Promise.all([sendAtRate(ground, lines, options.rate, signal), assault.run(plan, signal)]);
  signal.throwIfAborted();
  say('all logs are sent, every processor is up: waiting until they are merged and deadlines have passed');
  const unsettled = await settle(ground, say);

  const flows = v.parse(v.object(flowsEntries), FLOWS);
  const expected = expectedOf(lines, seed, createFlowFinder(flows), (flow) => flow.deadline === DEADLINE_MS);
  const found = await readFound(ground, [...expected.keys()]);
  const newest = newestOf(found);
  const differences = [
    ...unsettled,
    ...judge(expected, found),
    ...checkLedger(newest, ledger),
    ...(await checkNoLoss(
      ground,
      assault.up().map(({ adminUrl }) => adminUrl),
    )),
    ...assault.failures,
  ];
  differences.push(...(await checkFreshLog(ground)));
  return {
    ...assault.tally,
    transactions: expected.size,
    logs: lines.length,
    revisions: found.revisions.length,
    timedOut: newest.filter(({ status }) => status === 'timed_out').length,
    late: newest.filter(({ late }) => late).length,
    fencedRefusals: await fencedRefusals(ground),
    differences,
  };
}

/** Logs of a transaction come seconds apart, so that processors change between them; many come twice. */
function makeLogs({ rate, seconds, seed }: ProcessorsOptions): { lines: string[]; ledger: Ledger } {
  const generator = generateLogs({
    // Some three logs each.
    transactions: Math.ceil((rate * seconds) / 3.1),
    seed,
    duplicates: 0.05,
    failures: 0.05,
    stuck: 0.05,
    disorder: rate * 4,
    prefix: 'chaos',
  });
  const lines: string[] = [];
  for (;;) {
    const next = generator.next();
    if (next.done === true) return { lines, ledger: next.value };
    lines.push(next.value);
  }
}

/** Resolves when everything is merged and no deadline is left that will pass soon; tells what did not come about. */
async function settle(ground: Ground, say: (text: string) => void): Promise<string[]> {
  const started = performance.now();
  try {
    await until('the collector has read the file', () => isFileCollected(ground), SETTLE_MS_MAX);
    await until(
      'everything is merged and its deadlines have passed',
      () => isSettled(ground, Date.now() + FAR_MS),
      SETTLE_MS_MAX,
    );
  } catch (error) {
    return [describeError(error)];
  }
  say(`settled after ${((performance.now() - started) / 1000).toFixed(1)} s`);
  return [];
}

function newestOf({ revisions }: Found): Summary[] {
  const newest = new Map<string, Summary>();
  for (const revision of revisions) newest.set(revision.transaction_id, revision);
  return [...newest.values()];
}

/** The generator's own book-keeping, which knows nothing of merging. */
function checkLedger(newest: readonly Summary[], ledger: Ledger): string[] {
  const count = (...statuses: string[]) => newest.filter(({ status }) => statuses.includes(status)).length;
  const found = {
    transactions: newest.length,
    completed: count('completed'),
    failed: count('failed'),
    in_progress: count('in_progress', 'timed_out'),
  };
  return (Object.keys(found) as (keyof typeof found)[])
    .filter((key) => found[key] !== ledger[key])
    .map((key) => `ledger: ${key} are ${found[key]} where ${ledger[key]} were generated`);
}

/** Processors notice entries that vanished before they were read. */
async function checkNoLoss(ground: Ground, adminUrls: readonly string[]): Promise<string[]> {
  const differences: string[] = [];
  for (const url of adminUrls) {
    const metrics = await (await fetch(`${url}/metrics`)).text();
    const lost = Number(/^tranweave_processor_lost_entries_total(?:\{.*\})? (\d+)/m.exec(metrics)?.[1]);
    if (lost !== 0) differences.push(`a processor noticed ${lost} lost entries`);
    const health = await fetch(`${url}/healthz`);
    if (health.status !== 200) differences.push(`a processor is not well: ${await health.text()}`);
  }
  const letters = await ground.streams.deadLetters();
  if (letters.length > 0) differences.push(`${letters.length} logs became dead letters`);
  return differences;
}

/** Whoever is up now still works. */
async function checkFreshLog(ground: Ground): Promise<string[]> {
  const log = { transaction_id: 'afterwards', step: 'send', status: 'succeeded' };
  try {
    await post(ground.httpUrl, [JSON.stringify({ ...log, event_time: '2026-01-31T09:15:00Z' })]);
    await until(
      'a log that comes afterwards is merged',
      async () => (await readFound(ground, ['afterwards'])).records.size === 1,
    );
    return [];
  } catch (error) {
    return [describeError(error)];
  }
}
