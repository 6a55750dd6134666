import { setTimeout as delay } from 'node:timers/promises';
import { usageOf } from '../../bench/process-usage.ts';
import { describeError } from '../../common/errors.ts';
import { groupsOf, sinkGroup } from '../../common/redis/groups.ts';
import { createKeys, STREAM_KINDS } from '../../common/redis/keys.ts';
import { until } from '../../common/testing/until.ts';
import { generateLogs } from '../../scripts/generate/generator.ts';
import type { Ledger } from '../../scripts/generate/generator.ts';
import { seededRandom } from '../../scripts/seeded-random.ts';
import { verify } from '../support/verify.ts';
import { startAssault } from './assault.ts';
import type { Assault, Tally } from './assault.ts';
import { openGround } from './ground.ts';
import type { Ground } from './ground.ts';
import { isFileCollected, post, sendAtRate } from './load.ts';
import { shuffle } from './plan.ts';
import type { Act } from './plan.ts';
import { openStore } from './store.ts';
import type { Store } from './store.ts';
import { batchesIn, checkTables } from './tables.ts';

/**
 * Sinks processes that are killed and paused while they store, a ClickHouse that is killed in the midst of inserts, and inserts whose answers are lost; then a ClickHouse
 * that cannot be reached for a while, over which sinks processes must not grow. Afterwards the tables must hold what was generated, each log in exactly one row, without FINAL and without merges; so must the counts of
 * transactions by minute.
 */
export interface SinksOptions {
  seconds: number;
  /** Decides about the logs and about what is done when. */
  seed: number;
  /** Logs a second. */
  rate: number;
  sinks: number;
  partitions: number;
  /** How many sinks processes are killed, how often ClickHouse is, and how many answers are lost. */
  kills: number;
  storeKills: number;
  lostAnswers: number;
  /** For how many seconds more ClickHouse cannot be reached, while logs go on coming. */
  away: number;
  say: (text: string) => void;
  signal: AbortSignal;
}

export interface SinksVerdict extends Tally {
  logs: number;
  transactions: number;
  batches: number;
  storeKills: number;
  lostAnswers: number;
  /** By how much the peak memory of a sinks process rose while ClickHouse was away, at most. */
  grownMib: number;
  /** What is not as it must be; empty if all is well. */
  differences: string[];
}

const NAME = 'clickhouse';
const keys = createKeys('tranweave');
/** Days that a batch's logs are of: so many parts an insert makes, between which ClickHouse may die. */
const DAYS = 4;
const DAY_MS = 86_400_000;
const SETTLE_MS_MAX = 180_000;
const QUIET_MS = 2_000;
const THEN_MS_MAX = 1_000;
/** All partitions' batches and reads, should one process hold them all: far less than what comes while ClickHouse is away for minutes. */
const GROWN_MIB_MAX = 160;
/** Of the kills that are planned some find nobody up. */
const SPARE = 1.3;
const TABLES = ['tracking_log', 'transaction_summary_revision', 'transaction_brief_revision', 'dead_letter'];

export async function assaultSinks(options: SinksOptions): Promise<SinksVerdict> {
  const { seed, say, signal } = options;
  const random = seededRandom(seed);
  const { lines, ledger } = makeLogs(options);
  await using store = await openStore(random);
  await using ground = await openGround(options.partitions, {
    sinks: [{ name: NAME, type: 'clickhouse', url: store.url, batch: { delay_max: '300ms' } }],
  });
  const [assault] = await Promise.all([
    startAssault({ ground, role: 'sinks', group: sinkGroup(NAME), replicas: options.sinks, say }),
    ground.start('collector'),
    ground.start('processor'),
  ]);
  await store.keepFromMerging(TABLES);
  const plan = planKills(options, random);
  say(
    `${lines.length} logs of ${ledger.transactions} transactions, ${plan.length} signals to sinks processes`,
  );
  const [[storeKills, grownMib]] = await Promise.all([
    hurt(assault, store, plan, options, random),
    sendAtRate(ground, lines, options.rate, signal),
  ]);
  signal.throwIfAborted();
  say('all logs are sent, every process is up: waiting until all is stored');
  const differences = [
    ...(await settle(ground)),
    ...(await checkTables(store, ledger)),
    ...(await checkConserved(ground)),
    ...(await checkWell(assault)),
    ...checkHurt(assault, options, grownMib),
    ...assault.failures,
    ...(await checkFreshLog(ground, store)),
  ];
  return {
    ...assault.tally,
    logs: ledger.logs,
    transactions: ledger.transactions,
    batches: await batchesIn(store),
    storeKills,
    lostAnswers: store.lostAnswers(),
    grownMib,
    differences,
  };
}

/** What an operator runs after such an hour. */
async function checkConserved({ configFile }: Ground): Promise<string[]> {
  const { report } = await verify(configFile, '--wait', '30s');
  const { logs, dead_letters: letters, transactions, not_asked: notAsked } = report;
  const differences = [
    ...[...logs, ...letters].flatMap(({ input, wrong }) => wrong.map((what) => `verify: ${input}: ${what}`)),
    ...transactions.differing.map((one) => `verify: ${one.transaction_id} ${one.differs}`),
    ...notAsked.map(({ reason }) => `verify: ${reason}`),
  ];
  return report.conserved || differences.length > 0 ? differences : ['verify: it does not add up'];
}

/** Each line once, since it is rows that are counted; transactions are of several days. */
function makeLogs({ rate, seconds, away, seed }: SinksOptions): { lines: string[]; ledger: Ledger } {
  const generator = generateLogs({
    transactions: Math.ceil((rate * (seconds + away)) / 2.97),
    seed,
    duplicates: 0,
    prefix: 'chaos',
  });
  const lines: string[] = [];
  for (;;) {
    const next = generator.next();
    if (next.done === true) return { lines, ledger: next.value };
    lines.push(onItsDay(next.value));
  }
}

function onItsDay(line: string): string {
  const log = JSON.parse(line) as { transaction_id: string; event_time: string };
  const days = Number(log.transaction_id.slice(-1)) % DAYS;
  const time = new Date(Date.parse(log.event_time) - days * DAY_MS).toISOString();
  return JSON.stringify({ ...log, event_time: `${time.slice(0, -1)}${log.event_time.slice(23)}` });
}

/** So many kills over the time, and a pause or a doze after every third. */
function planKills({ seconds, kills, sinks }: SinksOptions, random: () => number): Act[] {
  const planned = Math.ceil(kills * SPARE);
  const gap = (seconds * 1000 - QUIET_MS) / planned;
  return Array.from({ length: planned }, (_, i) => {
    const act = (deed: Act['deed'], at: number): Act => ({
      atMs: Math.round((i + at) * gap),
      deed,
      victims: shuffle(
        Array.from({ length: sinks }, (_, replica) => replica),
        random,
      ),
      thenMs: Math.round(random() * THEN_MS_MAX),
    });
    const kill = act('kill', 0.2 + random() * 0.4);
    return i % 3 === 2 ? [kill, act(random() < 0.5 ? 'pause' : 'doze', 0.8)] : [kill];
  }).flat();
}

/** How often ClickHouse was killed, and by how many MiB a process grew while it was away. */
async function hurt(
  assault: Assault,
  store: Store,
  plan: readonly Act[],
  options: SinksOptions,
  random: () => number,
): Promise<[number, number]> {
  const { away, signal, say } = options;
  const [storeKills] = await Promise.all([hurtStore(store, options, random), assault.run(plan, signal)]);
  const peaks = () => assault.up().map(({ pid }) => usageOf(pid).peakBytes / 1024 ** 2);
  const before = peaks();
  say(`          ClickHouse cannot be reached for ${away} s`);
  store.setAway(true);
  await delay(away * 1000, undefined, { signal }).catch(() => undefined);
  const after = peaks();
  store.setAway(false);
  return [storeKills, Math.round(Math.max(0, ...after.map((peak, i) => peak - (before[i] ?? 0))))];
}

/** Kills ClickHouse and loses answers in turns; how often it was killed. */
async function hurtStore(store: Store, options: SinksOptions, random: () => number): Promise<number> {
  const { storeKills, lostAnswers, signal, say } = options;
  const deeds = [
    ...Array.from({ length: storeKills }, () => 'kill' as const),
    ...Array.from({ length: lostAnswers }, () => 'lose' as const),
  ];
  const gap = (options.seconds * 1000 - QUIET_MS) / deeds.length;
  let kills = 0;
  for (const deed of shuffle(deeds, random)) {
    await delay(gap * (0.5 + random() / 2), undefined, { signal }).catch(() => undefined);
    if (signal.aborted) break;
    if (deed === 'lose') store.loseAnswers(1);
    else {
      await store.killWhenAsked(signal);
      kills += 1;
      say(`          ClickHouse was killed in the midst of something and started again`);
    }
  }
  return kills;
}

/** Resolves when everything is stored; tells what did not come about. */
async function settle(ground: Ground): Promise<string[]> {
  try {
    await until('the collector has read the file', () => isFileCollected(ground), SETTLE_MS_MAX);
    await until('everything is stored', () => isStored(ground), SETTLE_MS_MAX);
    return [];
  } catch (error) {
    return [describeError(error)];
  }
}

async function isStored({ streams, partitions }: Ground): Promise<boolean> {
  for (let partition = 0; partition < partitions; partition += 1) {
    for (const kind of STREAM_KINDS) {
      const groups = await groupsOf(streams.redis, keys.stream(partition, kind));
      if (groups.length === 0 || groups.some(({ lag }) => lag !== 0)) return false;
    }
  }
  return true;
}

/** A run in which less was hurt than was asked for would prove less. */
function checkHurt({ tally }: Assault, { kills }: SinksOptions, grownMib: number): string[] {
  return [
    ...(tally.kills < kills
      ? [`only ${tally.kills} sinks processes were killed where ${kills} had to be`]
      : []),
    ...(grownMib > GROWN_MIB_MAX
      ? [`a sinks process grew by ${grownMib} MiB while ClickHouse was away`]
      : []),
  ];
}

async function checkWell(assault: Assault): Promise<string[]> {
  const differences: string[] = [];
  for (const { adminUrl } of assault.up()) {
    const metrics = await (await fetch(`${adminUrl}/metrics`)).text();
    for (const [, lost] of metrics.matchAll(/^tranweave_sink_lost_entries_total\{.*\} (\d+)/gm))
      if (lost !== '0') differences.push(`a sinks process noticed ${lost} lost entries`);
    const health = await fetch(`${adminUrl}/healthz`);
    if (health.status !== 200) differences.push(`a sinks process is not well: ${await health.text()}`);
  }
  return differences;
}

/** Whoever is up now still works. */
async function checkFreshLog(ground: Ground, store: Store): Promise<string[]> {
  const log = { transaction_id: 'afterwards', step: 'send', status: 'succeeded' };
  try {
    await post(ground.httpUrl, [JSON.stringify({ ...log, event_time: '2026-01-31T09:15:00Z' })]);
    const query = "SELECT 1 FROM tranweave.tracking_log WHERE transaction_id = 'afterwards'";
    await until('a log that comes afterwards is stored', async () => (await store.rows(query)).length === 1);
    return [];
  } catch (error) {
    return [describeError(error)];
  }
}
