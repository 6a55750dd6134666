import type { Clock } from '../../common/clock.ts';
import { describeError, FatalError, RetriableError } from '../../common/errors.ts';
import type { RedisClient } from '../../common/redis/connection.ts';
import { sinkGroup } from '../../common/redis/groups.ts';
import type { Keys } from '../../common/redis/keys.ts';
import { timestampFromMillis } from '../../common/timestamp.ts';
import type { SinkConfig } from '../../sinks/registry.ts';
import type { Inspector } from '../../sinks/inspector.ts';
import type { Sink } from '../../sinks/sink.ts';
import { readBooks } from './books.ts';
import { countLetters, countLogs } from './counts.ts';
import type { CountedSink, LetterCount, LogCount } from './counts.ts';
import type { Differing, Report } from './report.ts';
import { addUpTo, findDiffering, knownTransactions } from './transactions.ts';
import type { KnownTransaction } from './transactions.ts';

const DAY_MS = 24 * 60 * 60 * 1000;
/** Transactions that differ at first are asked for again; more than so many are no matter of what is on its way. */
const DIFFERING_MAX = 10_000;
/** Between looks at what may only have been on its way. */
const AGAIN_MS = 500;

export interface VerifiedSink {
  config: SinkConfig;
  sink: Sink;
}

export interface VerifyDeps {
  redis: RedisClient;
  keys: Keys;
  partitions: number;
  sinks: readonly VerifiedSink[];
  clock: Clock;
  /** Days of collection that are counted: today and those before. */
  days: number;
  /** How long what does not add up may take to do so, ms: it may be on its way. */
  waitMs: number;
  signal: AbortSignal;
  /** Called with what is being done. */
  onProgress: (words: string) => void;
}

/**
 * Compares what was accepted with what every store has, and every transaction that Redis remembers with what the stores know of it. Only reads; logs
 * may come meanwhile. A store that is away is told in the report. Throws a RetriableError when Redis is away.
 */
export async function verify(deps: VerifyDeps): Promise<Report> {
  const { clock, sinks } = deps;
  const today = Math.floor(clock.now() / DAY_MS);
  const days = Array.from({ length: deps.days }, (_, before) => dayOf(today - before)).reverse();
  const asking: Asking = { ...deps, failures: new Map() };
  const counts = await countUntilItAddsUp(asking, days, clock.now() + deps.waitMs);
  const transactions = await compareTransactions(asking);
  const wrong = [...counts.logs, ...counts.letters].some((count) => count.wrong.length > 0);
  return {
    days,
    logs: counts.logs,
    dead_letters: counts.letters,
    transactions,
    not_asked: [
      ...sinks
        .filter(({ sink }) => sink.inspector === undefined)
        .map(({ config }) => ({ sink: config.name, reason: 'files are handed over once they are written' })),
      ...[...asking.failures].map(([sink, reason]) => ({ sink, reason })),
    ],
    conserved: !wrong && transactions.differing.length === 0 && asking.failures.size === 0,
  };
}

function dayOf(days: number): string {
  return timestampFromMillis(days * DAY_MS).slice(0, 'YYYY-MM-DD'.length);
}

/** What is known of the stores while they are asked. */
interface Asking extends VerifyDeps {
  /** Sinks that could not be asked, and why; they are not asked again. */
  failures: Map<string, string>;
}

interface Counts {
  logs: LogCount[];
  letters: LetterCount[];
}

/**
 * The books, the streams and the stores cannot be read at one moment, so what is on its way between two looks may seem amiss. What is amiss
 * stays so.
 */
async function countUntilItAddsUp(deps: Asking, days: readonly string[], until: number): Promise<Counts> {
  for (;;) {
    deps.onProgress(`counting the logs that were collected on ${days.join(', ')}`);
    const counts = await count(deps, days);
    const wrong = [...counts.logs, ...counts.letters].some((one) => one.wrong.length > 0);
    if (!wrong || deps.clock.now() >= until) return counts;
    await deps.clock.sleep(AGAIN_MS, deps.signal);
    if (deps.signal.aborted) throw new RetriableError('given up');
  }
}

async function count(deps: Asking, days: readonly string[]): Promise<Counts> {
  const groups = deps.sinks.map(({ config }) => sinkGroup(config.name));
  const books = await readBooks({ ...deps, groups, days });
  const counts: Counts = { logs: [], letters: [] };
  for (const { config, sink } of deps.sinks) {
    const counted: CountedSink = { name: config.name, group: sinkGroup(config.name) };
    const stored = await storedLogs(deps, { config, sink }, days);
    const of = stored === undefined ? counted : { ...counted, stored };
    if (sink.streams.includes('log')) counts.logs.push(...countLogs(books, of));
    if (sink.streams.includes('dead_letter')) counts.letters.push(...countLetters(books, of));
  }
  return counts;
}

/** Undefined if the store cannot be asked, or may have deleted some of them already. */
async function storedLogs(deps: Asking, { config, sink }: VerifiedSink, days: readonly string[]) {
  const from = Date.parse(days[0] ?? '');
  if (deps.clock.now() - from > retentionOf(config)) return undefined;
  const span = {
    from: timestampFromMillis(from),
    until: timestampFromMillis(Date.parse(days.at(-1) ?? '') + DAY_MS),
  };
  return ask(deps, { config, sink }, (inspector) => inspector.logs(span, deps.signal));
}

/** How long a store has everything that it was given, ms. */
function retentionOf(config: SinkConfig): number {
  if (config.type === 'ndjson') return Infinity;
  const spans = [config.retention, config.summary_retention];
  return Math.min(...spans.map((span) => (span === 'forever' ? Infinity : span)));
}

/** Asks a store; undefined if it cannot be asked, now or before. Notes why. */
async function ask<T>(
  { failures, signal }: Asking,
  { config, sink }: VerifiedSink,
  question: (inspector: Inspector) => Promise<T>,
): Promise<T | undefined> {
  if (sink.inspector === undefined || failures.has(config.name)) return undefined;
  try {
    return await question(sink.inspector);
  } catch (error) {
    if (signal.aborted || !(error instanceof RetriableError || error instanceof FatalError)) throw error;
    failures.set(config.name, describeError(error));
    return undefined;
  }
}

type Found = { transaction: KnownTransaction; differs: string };

async function compareTransactions(deps: Asking): Promise<Report['transactions']> {
  const askable = deps.sinks.filter(
    ({ config, sink }) => sink.inspector !== undefined && !deps.failures.has(config.name),
  );
  const found = new Map<VerifiedSink, Found[]>(askable.map((sink) => [sink, []]));
  let compared = 0;
  let more = false;
  if (askable.length > 0) {
    for await (const page of knownTransactions(deps.redis, deps.keys)) {
      for (const [sink, differing] of found) {
        const news = await differingIn(deps, sink, page);
        if (!addUpTo(DIFFERING_MAX, differing, news)) more = true;
      }
      compared += page.length;
      deps.onProgress(`${compared.toLocaleString('en-US')} transactions compared`);
    }
  }
  await askAgain(deps, found, deps.clock.now() + deps.waitMs);
  const differing = [...found].flatMap(([{ config }, ones]) =>
    ones.map(({ transaction, differs }): Differing => {
      return { sink: config.name, transaction_id: transaction.id, differs };
    }),
  );
  return { compared, differing, more };
}

/** Leaves those that still differ, when what was on its way has had time to arrive. */
async function askAgain(deps: Asking, found: Map<VerifiedSink, Found[]>, until: number): Promise<void> {
  while ([...found.values()].some((ones) => ones.length > 0) && deps.clock.now() < until) {
    await deps.clock.sleep(AGAIN_MS, deps.signal);
    if (deps.signal.aborted) throw new RetriableError('given up');
    for (const [sink, ones] of found) {
      const before = ones.map(({ transaction }) => transaction);
      if (before.length > 0) found.set(sink, await differingIn(deps, sink, before));
    }
  }
}

async function differingIn(
  deps: Asking,
  { config, sink }: VerifiedSink,
  known: readonly KnownTransaction[],
): Promise<Found[]> {
  // What the store may have deleted by now, it need not have; an hour is for stores that delete early.
  const keptSince = deps.clock.now() - retentionOf(config) + 3_600_000;
  const kept = known.filter(({ created_at }) => Date.parse(created_at) > keptSince);
  return (
    (await ask(deps, { config, sink }, (inspector) => findDiffering(kept, inspector, deps.signal))) ?? []
  );
}
