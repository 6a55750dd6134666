import { summaryFromLine } from '../common/summary-row.ts';
import { rowFromLine } from '../common/wire-row.ts';
import type { WireRow } from '../common/wire-row.ts';
import { linesOf, startInsertRecorder } from './insert-recorder.ts';
import type { Insert } from './insert-recorder.ts';
import { openFullLab } from './lab.ts';
import type { FullLab } from './lab.ts';
import { createLatencies, latencyTable } from './latency-report.ts';
import type { Latencies } from './latency-report.ts';
import { percentile, whole } from './report.ts';
import type { BenchOptions, Report } from './report.ts';
import { ask } from './stages.ts';
import { LOGS_A_POST, passSteadily, prepareSteadyLoad, startSteadyRoles, WARM_UP_SECONDS } from './steady.ts';
import type { SteadyLoad } from './steady-load.ts';
import type { SentSteadily } from './steady-sender.ts';
import { entriesOf } from './streams.ts';
import { latencyAbove } from './targets.ts';

/**
 * Part `latency`: how long after it was due to be sent a log is in its transaction's summary in Redis, and in rows that SELECT finds. Nothing is polled for: every
 * time is a stamp that is taken where it happens, all by the clock of this machine.
 *
 * - Due: planned before the first request is sent (steady-sender.ts); a request that had to wait for its turn is counted from then.
 * - In Redis: the id of the summary's stream entry, Redis' clock at the commit, in whole ms; a commit's other keys follow within the same script.
 * - In a table: when ClickHouse's answer to the insert had come, to the microsecond (insert-recorder.ts). Now and then a SELECT looks whether it is so.
 */

/** Entries stay in the streams until they were read here. */
const CONFIG = { processor: { trim_interval: '1h' } };
const LOOK_MS = 1_000;

export async function measureLatency(dir: string, options: BenchOptions): Promise<Report> {
  const load = await prepareSteadyLoad(dir, options);
  const lab = await openFullLab(dir, CONFIG);
  const looking = createLooking(lab);
  const recorder = await startInsertRecorder(lab.clickhouseUrl, looking.onInsert);
  try {
    const sinks = [{ name: 'clickhouse', type: 'clickhouse', url: recorder.url }];
    await startSteadyRoles(lab, { sinks });
    const sent = await passSteadily(lab, load, options.rate);
    const looks = await looking.result();
    // Before the roles are stopped: processors trim once more then.
    const latencies = await latenciesOf(lab, load, sent, recorder.inserts);
    const own = latenessOf(sent);
    const text = [
      `${whole(options.rate)} logs/s for ${options.seconds} s after ${WARM_UP_SECONDS} s of warm-up, ${LOGS_A_POST} logs a POST; ms from when the POST was due`,
      latencyTable(latencies),
      `The sender sent 99% within ${own.p99.toFixed(1)} ms of when they were due, the latest ${own.max.toFixed(1)} ms after. ` +
        `${looks} SELECTs looked for a row as soon as its insert was answered, and found it.`,
    ];
    const figures = { latencies: latencies.figures(), sender: own };
    return { figures, text: text.join('\n\n'), ...latencyAbove(latencies) };
  } finally {
    await recorder.stop();
    await lab.stop();
  }
}

async function latenciesOf(
  lab: FullLab,
  load: SteadyLoad,
  { due, answered }: SentSteadily,
  inserts: readonly Insert[],
): Promise<Latencies> {
  const skipped = (due[0] ?? 0) + WARM_UP_SECONDS * 1000;
  const latencies = createLatencies(load.lines, (place) => {
    const at = due[Math.floor(place / LOGS_A_POST)] ?? 0;
    return at < skipped ? undefined : at;
  });
  for (let place = 0; place < load.lines; place += 1) {
    latencies.note('answer', place, answered[Math.floor(place / LOGS_A_POST)] ?? NaN);
  }
  for await (const { id, body } of entriesOf(lab, 'summary')) {
    const at = Number(id.slice(0, id.indexOf('-')));
    for (const line of body.toString().split('\n')) {
      if (line !== '') noteSummary(line, at, 'summary');
    }
  }
  for (const insert of inserts) {
    for (const line of linesOf(insert)) {
      if (insert.table === 'transaction_summary_revision') noteSummary(line, insert.at, 'summaryRow');
      else if (insert.table === 'tracking_log') noteLog(line, insert.at);
    }
  }
  return latencies;

  /** A summary has the logs of all the steps that it names. */
  function noteSummary(line: string, at: number, end: 'summary' | 'summaryRow'): void {
    const { transaction_id: id, steps } = summaryFromLine(line);
    for (const { step } of steps) latencies.note(end, load.placeOf(id, step), at);
  }

  function noteLog(line: string, at: number): void {
    const { transaction_id: id, step } = logOf(line);
    latencies.note('logRow', load.placeOf(id, step), at);
  }
}

function logOf(line: string): WireRow & { transaction_id: string; step: string; event_id: string } {
  const { row, reason } = rowFromLine('log', line);
  if (row === undefined) throw new Error(`a row that was inserted ${reason}`);
  return row as ReturnType<typeof logOf>;
}

function latenessOf({ due, sent }: SentSteadily): { p99: number; max: number } {
  const lateness = sent.map((at, index) => at - (due[index] ?? at)).sort();
  return { p99: percentile(lateness, 0.99), max: lateness.at(-1) ?? NaN };
}

/** Looks once a second whether a SELECT finds the last row of an insert that was just answered. */
function createLooking(lab: FullLab) {
  let last = 0;
  const looks: Promise<boolean>[] = [];
  const isFound = async (insert: Insert) => {
    const { transaction_id: transaction, event_id: event } = logOf(linesOf(insert).at(-1) ?? '');
    const found = await ask<{ n: string }>(
      lab,
      `SELECT count() AS n FROM tranweave.tracking_log WHERE transaction_id = '${transaction}' AND event_id = '${event}'`,
    );
    return Number(found[0]?.n) === 1;
  };
  return {
    onInsert: (insert: Insert) => {
      if (insert.table !== 'tracking_log' || insert.at - last < LOOK_MS) return;
      last = insert.at;
      const look = isFound(insert);
      // Told by the result.
      look.catch(() => undefined);
      looks.push(look);
    },
    /** How many there were. Throws when one found nothing. */
    result: async () => {
      if ((await Promise.all(looks)).includes(false))
        throw new Error('a SELECT did not find a row whose insert had been answered');
      return looks.length;
    },
  };
}
