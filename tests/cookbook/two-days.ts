import * as v from 'valibot';
import type { DeadLetter } from '../../common/dead-letter.ts';
import { createFlowFinder, flowsEntries } from '../../common/flow.ts';
import type { Summary } from '../../common/summary.ts';
import { timestampFromMillis } from '../../common/timestamp.ts';
import { checkTrackingLog } from '../../common/tracking-log.ts';
import type { TrackingLog } from '../../common/tracking-log.ts';
import { applyDeadline, applyLogs } from '../../processor/transaction-record.ts';
import type { TransactionRecord } from '../../processor/transaction-record.ts';
import { seededRandom } from '../../scripts/seeded-random.ts';

/** Two days of a made-up landscape in which everything happens that the cookbook asks about (docs/sql-cookbook.md). */
export interface TwoDays {
  /** As they were collected, repetitions included. */
  logs: TrackingLog[];
  /** Every published revision, in the order of publication. */
  revisions: Summary[];
  deadLetters: DeadLetter[];
}

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
export const RECEIVERS = ['wms', 'crm', 'bill'];
const FLOWS = v.parse(v.object(flowsEntries), {
  default_flow: { steps: ['send', 'hub', 'receive'], deadline: '2h' },
  flows: [
    {
      interface: 'order',
      steps: ['send', 'hub', { step: 'receive', branches: RECEIVERS }],
      deadline: '2h',
    },
  ],
});
const TARGETS: Readonly<Record<string, string>> = { order: '', invoice: 'ERP', stock: 'WMS' };
const TRANSACTIONS = 420;
/** Ages that questions divide by; nothing happens so near to them that it would matter how long a test takes. */
const BOUNDARIES_MS = [0, HOUR, 6 * HOUR, 24 * HOUR, 48 * HOUR];
const CLEAR_MS = 10 * MINUTE;

type Fate = 'well' | 'failed' | 'retried' | 'stuck' | 'missing' | 'slow to arrive';

interface Planned {
  id: string;
  interfaceId: string;
  number: number;
  startMs: number;
  fate: Fate;
}

export function twoDays(seed: number, nowMs: number): TwoDays {
  const random = seededRandom(seed);
  const made: TwoDays = { logs: [], revisions: [], deadLetters: deadLettersOf(random, nowMs) };
  for (let i = 0; i < TRANSACTIONS; i += 1) {
    const startMs = Math.floor(nowMs - (47 * HOUR * (TRANSACTIONS - i)) / TRANSACTIONS);
    if (BOUNDARIES_MS.some((age) => Math.abs(nowMs - startMs - age) < CLEAR_MS)) continue;
    const planned: Planned = {
      id: `D-${String(i).padStart(4, '0')}`,
      interfaceId: ['order', 'invoice', 'stock'][i % 3]!,
      number: i,
      startMs,
      fate: fateOf(random()),
    };
    const logs = logsOf(planned, random, nowMs).filter(({ ingest_time }) => Date.parse(ingest_time) < nowMs);
    const isSentTwice = i === 18;
    made.revisions.push(...revisionsOf(logs, nowMs));
    made.logs.push(
      ...logs.flatMap((log) => (isSentTwice || random() < 0.05 ? [log, sentAgain(log)] : [log])),
    );
  }
  return made;
}

function fateOf(roll: number): Fate {
  if (roll < 0.08) return 'failed';
  if (roll < 0.14) return 'retried';
  if (roll < 0.2) return 'stuck';
  if (roll < 0.26) return 'missing';
  return roll < 0.34 ? 'slow to arrive' : 'well';
}

function logsOf(planned: Planned, random: () => number, nowMs: number): TrackingLog[] {
  const { fate, interfaceId, startMs, number } = planned;
  const logs: TrackingLog[] = [];
  let at = startMs;
  const say = (step: string, status: string, more: object = {}) => {
    at += 40 + Math.floor(random() * 400);
    logs.push(
      aLog(planned, logs.length, {
        step,
        status,
        at,
        delayMs: fate === 'slow to arrive' ? 25 * MINUTE : 900,
        ...more,
      }),
    );
  };
  say('send', 'succeeded', {
    duration_ms: ms(random, 30),
    record_count: 1 + (number % 7),
    message_size: 500 + number,
  });
  say('hub', 'started', { node: 'hub-1' });
  if (fate === 'stuck') return logs;
  // Since yesterday the hub takes three times as long over invoices.
  const isSlower = interfaceId === 'invoice' && startMs >= nowMs - 24 * HOUR;
  say('hub', 'succeeded', { node: 'hub-1', duration_ms: ms(random, isSlower ? 900 : 300) });
  const branches = interfaceId === 'order' ? RECEIVERS : [''];
  const left = fate === 'missing' ? branches.slice(1) : branches;
  for (const branch of left) {
    const error = {
      error_code: `E${100 + (number % 2)}`,
      error_message: `refused by ${branch || TARGETS[interfaceId]}`,
    };
    const here = { branch, node: number < TRANSACTIONS / 2 ? 'receiver-old' : 'receiver-new' };
    const fails = branch === left[0] && (fate === 'failed' || fate === 'retried');
    if (fails) say('receive', 'failed', { ...here, ...error, duration_ms: ms(random, 80) });
    if (fails && fate === 'failed') continue;
    say('receive', 'succeeded', { ...here, attempt: fails ? 2 : 1, duration_ms: ms(random, 80) });
  }
  // The last log of some comes hours later: after the deadline.
  const last = logs.at(-1)!;
  if (fate === 'well' && number % 11 === 0)
    last.ingest_time = timestampFromMillis(Date.parse(last.ingest_time) + 3 * HOUR);
  return logs;
}

function ms(random: () => number, about: number): number {
  return Math.round(about * (0.5 + random()) * 1000) / 1000;
}

interface Said {
  step: string;
  status: string;
  at: number;
  delayMs: number;
}

function aLog(
  { id, interfaceId, number }: Planned,
  index: number,
  { at, delayMs, ...said }: Said,
): TrackingLog {
  const isFile = delayMs > MINUTE || number % 4 === 0;
  const { log, issues } = checkTrackingLog(
    {
      transaction_id: id,
      interface_id: interfaceId,
      parent_transaction_id: number % 20 === 3 ? `D-${String(number - 3).padStart(4, '0')}` : '',
      event_time: timestampFromMillis(at),
      source_system: 'SHOP',
      target_system: TARGETS[interfaceId],
      node: 'sender-1',
      business_keys: { order_no: `SO-${number}` },
      ...said,
    },
    {
      event_id: `${id}/${index}`,
      ingest_time: timestampFromMillis(at + delayMs),
      channel: isFile ? 'file' : 'http',
      input: isFile ? 'night-files' : 'api',
    },
  );
  if (log === undefined) throw new Error(JSON.stringify(issues));
  return log;
}

const sentAgain = (log: TrackingLog): TrackingLog => ({
  ...log,
  ingest_time: timestampFromMillis(Date.parse(log.ingest_time) + MINUTE),
});

/** As a processor publishes them: one revision for each log that changes something, in the order of collection, and one for a deadline that passed. */
function revisionsOf(logs: readonly TrackingLog[], nowMs: number): Summary[] {
  const findFlow = createFlowFinder(FLOWS);
  const revisions: Summary[] = [];
  let record: TransactionRecord | undefined;
  const pass = (until: number) => {
    const due = record?.deadline_at ?? Infinity;
    const change = record === undefined || due > until ? undefined : applyDeadline(record, findFlow, due);
    if (change === undefined) return;
    record = change.record;
    revisions.push(change.summary);
  };
  for (const log of logs) {
    const at = Date.parse(log.ingest_time);
    pass(at);
    const change = applyLogs(record, { logs: [log], at: [at] }, findFlow);
    if (change === undefined) continue;
    record = change.record;
    revisions.push(change.summary);
  }
  pass(nowMs);
  return revisions;
}

function deadLettersOf(random: () => number, nowMs: number): DeadLetter[] {
  const reasons = [
    { stage: 'decode', reason: 'is not JSON', input: 'api', channel: 'http' },
    {
      stage: 'decode',
      reason: 'has 5 columns where 8 are configured',
      input: 'night-files',
      channel: 'file',
    },
    { stage: 'validate', reason: 'transaction_id: is missing', input: 'api', channel: 'http' },
  ];
  return Array.from({ length: 23 }, (_, i) => ({
    event_id: `letter/${i}`,
    ...reasons[Math.floor(random() ** 2 * 3)]!,
    ingest_time: timestampFromMillis(Math.floor(nowMs - (0.2 + random()) * 20 * HOUR)),
    raw_base64: Buffer.from(`raw ${i}`).toString('base64'),
    meta: {},
  }));
}
