import { timestampFromMicros } from '../../common/timestamp.ts';
import { seededRandom } from '../seeded-random.ts';

/**
 * Made-up logs of send → hub → receive, as hard to weave as real ones: out of order, some sent twice, some failing, some failing and then
 * mended by a retry, some stuck; and a ledger of what must come out of them, kept while they are made and not by merging them.
 */
export interface GeneratorOptions {
  transactions: number;
  /** The same seed gives the same logs. */
  seed: number;
  /** Share of logs that are sent twice, of transactions that fail, and that get stuck: 0 to 1. */
  duplicates?: number;
  failures?: number;
  stuck?: number;
  /** How far a log may be moved from its place, in logs. */
  disorder?: number;
  /** First part of every transaction id; two runs with different ones share nothing. */
  prefix?: string;
  /** When the first transaction starts, ms since 1970. */
  startMs?: number;
}

export interface Ledger {
  /** Lines written, repetitions included. */
  lines: number;
  /** Logs without their repetitions. */
  logs: number;
  transactions: number;
  completed: number;
  failed: number;
  in_progress: number;
  /** Sum of record_count over the logs without repetitions: a sum that a lost or doubled row changes. */
  record_count: number;
}

interface Planned {
  /** Where in the order it would come, before it is moved. */
  place: number;
  line: string;
  records: number;
}

const STEPS = ['send', 'hub', 'receive'] as const;
const INTERFACES = ['order', 'invoice', 'stock', 'price'];
/** 2026-01-31 09:00 UTC. */
const START_MS = 1_769_850_000_000;
/** Transactions start this far apart. */
const SPACING_MICROS = 700;

/** The lines in the order they are sent, and at the end the ledger. Memory is bounded by `disorder`. */
export function* generateLogs(options: GeneratorOptions): Generator<string, Ledger> {
  const random = seededRandom(options.seed);
  const { duplicates = 0.01, failures = 0.02, stuck = 0.005, disorder = 2000 } = options;
  const ledger: Ledger = {
    lines: 0,
    logs: 0,
    transactions: 0,
    completed: 0,
    failed: 0,
    in_progress: 0,
    record_count: 0,
  };
  const waiting: Planned[] = [];
  const isReady = (place: number) =>
    waiting.length > disorder * 2 && (waiting[0]?.place ?? Infinity) <= place;
  for (let i = 0; i < options.transactions; i += 1) {
    const fate = fateOf(random, failures, stuck);
    ledger.transactions += 1;
    ledger[fate === 'retried' ? 'completed' : fate] += 1;
    for (const { line, records } of logsOf(i, fate, random, options)) {
      ledger.logs += 1;
      ledger.record_count += records;
      const place = ledger.lines;
      insert(waiting, { place: place + random() * disorder, line, records });
      ledger.lines += 1;
      if (random() < duplicates) {
        insert(waiting, { place: place + random() * disorder, line, records });
        ledger.lines += 1;
      }
    }
    while (isReady(ledger.lines)) yield waiting.shift()?.line ?? '';
  }
  for (const { line } of waiting) yield line;
  return ledger;
}

type Fate = 'completed' | 'failed' | 'in_progress' | 'retried';

function fateOf(random: () => number, failures: number, stuck: number): Fate {
  const roll = random();
  if (roll < failures) return 'failed';
  if (roll < failures + stuck) return 'in_progress';
  return roll < failures + stuck + 0.01 ? 'retried' : 'completed';
}

function* logsOf(
  index: number,
  fate: Fate,
  random: () => number,
  { prefix = 'T', startMs = START_MS }: GeneratorOptions,
): Generator<{ line: string; records: number }> {
  const id = `${prefix}-${String(index).padStart(9, '0')}`;
  const last = fate === 'completed' || fate === 'retried' ? 2 : Math.floor(random() * 3);
  let at = startMs * 1000 + index * SPACING_MICROS;
  for (let step = 0; step <= last; step += 1) {
    const ends =
      step < last
        ? 'succeeded'
        : fate === 'failed'
          ? 'failed'
          : fate === 'in_progress'
            ? 'started'
            : 'succeeded';
    if (fate === 'retried' && step === last) {
      yield logOf(id, index, step, 1, 'failed', (at += 1500), random);
      yield logOf(id, index, step, 2, 'succeeded', (at += 9000), random);
    } else {
      yield logOf(id, index, step, 1, ends, (at += 1000 + Math.floor(random() * 4000)), random);
    }
  }
}

function logOf(
  id: string,
  index: number,
  step: number,
  attempt: number,
  status: string,
  atMicros: number,
  random: () => number,
): { line: string; records: number } {
  const records = 1 + Math.floor(random() * 20);
  const log = {
    event_id: `${id}/${step}/${attempt}`,
    transaction_id: id,
    interface_id: INTERFACES[index % INTERFACES.length],
    step: STEPS[step],
    attempt,
    status,
    event_time: timestampFromMicros(atMicros),
    ...(status === 'started' ? {} : { duration_ms: Math.floor(random() * 3000) / 10 }),
    node: `eai-0${1 + (index % 4)}`,
    process: `adapter-${STEPS[step]}`,
    record_count: records,
    message_size: 200 + Math.floor(random() * 4000),
    business_keys: { order_no: `SO-${index}` },
    ...(status === 'failed'
      ? { error_code: 'E1042', error_message: 'the receiver did not accept the message' }
      : {}),
  };
  return { line: JSON.stringify(log), records };
}

/** Keeps the list sorted by place; what is new nearly always belongs near the end. */
function insert(list: Planned[], planned: Planned): void {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((list[middle]?.place ?? 0) <= planned.place) low = middle + 1;
    else high = middle;
  }
  list.splice(low, 0, planned);
}
