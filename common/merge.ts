import { cutToBytes } from './text.ts';
import { minusMicros } from './timestamp.ts';
import type { Status, TrackingLog } from './tracking-log.ts';

/**
 * Merging tracking logs into the state of a transaction: in any order, any number of times. Every rule below keeps the
 * greatest or the smallest under a total order, so merging is commutative, associative and idempotent; the
 * property tests beside this file hold it to that. There are no counters, which a repetition would raise.
 *
 * - Per (step, branch) the newest attempt decides. Within an attempt a terminal status beats `started` whatever the clocks
 *   say, since clocks of nodes differ; among terminal ones the newest of (event_time, rank of status, event_id) wins,
 *   so that a retry that was never numbered still clears a failure.
 * - The earliest start and the latest end are kept, over all attempts of a step.
 * - Facts of the transaction (interface, parent, systems, each business key) are kept one by one, the newest wins.
 * - Over a bound, the names that sort first are kept and `cut` is set: which ones is the same in every order.
 */

/** The fields of a tracking log that the merge reads; they travel in a stream entry's header. */
export type MergeLog = Pick<
  TrackingLog,
  | 'transaction_id'
  | 'step'
  | 'status'
  | 'event_time'
  | 'event_id'
  | 'interface_id'
  | 'node'
  | 'duration_ms'
  | 'error_code'
  | 'error_message'
  | 'business_keys'
  | 'parent_transaction_id'
  | 'source_system'
  | 'target_system'
> & { branch?: string; attempt?: number };

/** Bounds of one summary; what is over them stays in `tracking_log` and the summary says that it was cut. */
export const SUMMARY_LIMITS = {
  stepsMax: 128,
  keysMax: 32,
  keyValueBytesMax: 256,
  errorMessageBytesMax: 512,
} as const;

/** A value and the log it came from: the greater (time, event id, value) wins. */
export interface Fact {
  value: string;
  at: string;
  by: string;
}

export interface StepState {
  step: string;
  branch: string;
  attempt: number;
  status: Exclude<Status, 'info'>;
  /** When the deciding log happened, and which it is. */
  at: string;
  by: string;
  /** The earliest sign of the step: its first log, less the duration that the log reports. */
  started_at: string;
  /** The latest terminal log; absent while there is none. */
  ended_at?: string;
  /** As the deciding log reports it, if it does. */
  duration_ms?: number;
  node?: string;
  error_code?: string;
  error_message?: string;
}

/** The earliest failure ever seen; it stays when a later attempt clears the failure. */
export interface FirstError {
  step: string;
  branch: string;
  error_code: string;
  error_message: string;
  at: string;
  by: string;
}

export const FACTS = ['interface_id', 'parent_transaction_id', 'source_system', 'target_system'] as const;
type FactName = (typeof FACTS)[number];

export interface TransactionState {
  transaction_id: string;
  started_at: string;
  last_event_at: string;
  /** The newest log that set a state, as a fact whose value is the step's name. */
  last_step?: Fact;
  facts: Partial<Record<FactName, Fact>>;
  business_keys: Readonly<Record<string, Fact>>;
  /** Sorted by (step, branch), which is also what decides who stays when there are too many. */
  steps: readonly StepState[];
  first_error?: FirstError;
  cut?: true;
}

/** The state with the log in it. Pure: `state` is not changed. */
export function merge(state: TransactionState | undefined, log: MergeLog): TransactionState {
  const startedAt = startOf(log);
  const base: TransactionState = state ?? {
    transaction_id: log.transaction_id,
    started_at: startedAt,
    last_event_at: log.event_time,
    facts: {},
    business_keys: {},
    steps: [],
  };
  const next: TransactionState = {
    ...base,
    started_at: earlier(base.started_at, startedAt),
    last_event_at: later(base.last_event_at, log.event_time),
    facts: mergeFacts(base.facts, log),
  };
  if (log.business_keys !== undefined) mergeBusinessKeys(next, log.business_keys, log);
  if (log.status !== 'info') {
    next.last_step = newer(base.last_step, factOf(log.step, log));
    mergeSteps(next, log, log.status);
  }
  if (log.status === 'failed') next.first_error = firstError(base.first_error, log);
  return next;
}

/** A log that reports its duration began that much earlier. */
function startOf(log: MergeLog): string {
  if (log.duration_ms === undefined || log.status === 'started') return log.event_time;
  return minusMicros(log.event_time, log.duration_ms * 1000);
}

function earlier(a: string, b: string): string {
  return a <= b ? a : b;
}

function later(a: string, b: string): string {
  return a >= b ? a : b;
}

function factOf(value: string, log: MergeLog): Fact {
  return { value, at: log.event_time, by: log.event_id };
}

function newer(a: Fact | undefined, b: Fact): Fact {
  if (a === undefined) return b;
  return (compare(a.at, b.at) || compare(a.by, b.by) || compare(a.value, b.value)) >= 0 ? a : b;
}

function compare(a: string | number, b: string | number): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function mergeFacts(facts: TransactionState['facts'], log: MergeLog): TransactionState['facts'] {
  let next = facts;
  for (const name of FACTS) {
    const value = log[name];
    if (value === undefined) continue;
    const fact = newer(facts[name], factOf(value, log));
    if (fact !== facts[name]) next = { ...next, [name]: fact };
  }
  return next;
}

function mergeBusinessKeys(
  next: TransactionState,
  keys: Readonly<Record<string, string>>,
  log: MergeLog,
): void {
  if (!addsToBusinessKeys(next.business_keys, keys, log)) return;
  // Entries instead of assignment: a key named __proto__ is a key like any other.
  const merged = new Map(Object.entries(next.business_keys));
  for (const [key, value] of Object.entries(keys)) {
    merged.set(key, newer(merged.get(key), factOf(cutToBytes(value, SUMMARY_LIMITS.keyValueBytesMax), log)));
  }
  const sorted = [...merged].sort(([a], [b]) => compare(a, b));
  if (sorted.length > SUMMARY_LIMITS.keysMax) next.cut = true;
  next.business_keys = Object.fromEntries(sorted.slice(0, SUMMARY_LIMITS.keysMax));
}

/** Whether there is anything in the log's keys that is new or newer: most logs of a transaction repeat what is known. */
function addsToBusinessKeys(
  known: TransactionState['business_keys'],
  keys: Readonly<Record<string, string>>,
  log: MergeLog,
): boolean {
  for (const key of Object.keys(keys)) {
    const fact = Object.hasOwn(known, key) ? known[key] : undefined;
    if (fact === undefined || fact.at <= log.event_time) return true;
  }
  return false;
}

function mergeSteps(next: TransactionState, log: MergeLog, status: StepState['status']): void {
  const reported = stepOf(log, status);
  const at = next.steps.findIndex((step) => step.step === reported.step && step.branch === reported.branch);
  const known = next.steps[at];
  if (known !== undefined) {
    next.steps = next.steps.with(at, mergeStep(known, reported));
    return;
  }
  const sorted = [...next.steps, reported].sort(
    (a, b) => compare(a.step, b.step) || compare(a.branch, b.branch),
  );
  if (sorted.length > SUMMARY_LIMITS.stepsMax) next.cut = true;
  next.steps = sorted.slice(0, SUMMARY_LIMITS.stepsMax);
}

function stepOf(log: MergeLog, status: StepState['status']): StepState {
  const step: StepState = {
    step: log.step,
    branch: log.branch ?? '',
    attempt: log.attempt ?? 1,
    status,
    at: log.event_time,
    by: log.event_id,
    started_at: startOf(log),
  };
  if (log.duration_ms !== undefined) step.duration_ms = log.duration_ms;
  if (log.node !== undefined) step.node = log.node;
  if (log.error_code !== undefined) step.error_code = log.error_code;
  if (log.error_message !== undefined) {
    step.error_message = cutToBytes(log.error_message, SUMMARY_LIMITS.errorMessageBytesMax);
  }
  // Last, as in mergeStep: a state that a repetition does not change is then equal as JSON too.
  if (status !== 'started') step.ended_at = log.event_time;
  return step;
}

function mergeStep(a: StepState, b: StepState): StepState {
  const { ended_at: _, ...decided } = compareSteps(a, b) >= 0 ? a : b;
  const merged: StepState = { ...decided, started_at: earlier(a.started_at, b.started_at) };
  const endedAt =
    a.ended_at === undefined || b.ended_at === undefined
      ? (a.ended_at ?? b.ended_at)
      : later(a.ended_at, b.ended_at);
  if (endedAt !== undefined) merged.ended_at = endedAt;
  return merged;
}

/**
 * At one moment a success outranks a failure: clocks that show whole seconds put a failure and the quick retry that
 * mended it at the same time, while a step that fails after it succeeded is not known in practice.
 */
const STATUS_RANK = { started: 0, skipped: 1, failed: 2, succeeded: 3 } as const;

function compareSteps(a: StepState, b: StepState): number {
  return (
    compare(a.attempt, b.attempt) ||
    compare(terminal(a.status), terminal(b.status)) ||
    compare(a.at, b.at) ||
    compare(STATUS_RANK[a.status], STATUS_RANK[b.status]) ||
    compare(a.by, b.by) ||
    compare(contentOf(a), contentOf(b))
  );
}

/** Decides between two logs that wrongly share an event id, so that their order still does not matter. */
function contentOf(step: StepState): string {
  return JSON.stringify([step.duration_ms, step.node, step.error_code, step.error_message]);
}

function terminal(status: StepState['status']): number {
  return status === 'started' ? 0 : 1;
}

function firstError(known: FirstError | undefined, log: MergeLog): FirstError {
  const reported: FirstError = {
    step: log.step,
    branch: log.branch ?? '',
    error_code: log.error_code ?? '',
    error_message: cutToBytes(log.error_message ?? '', SUMMARY_LIMITS.errorMessageBytesMax),
    at: log.event_time,
    by: log.event_id,
  };
  if (known === undefined) return reported;
  const order =
    compare(known.at, reported.at) ||
    compare(known.by, reported.by) ||
    compare(JSON.stringify(known), JSON.stringify(reported));
  return order <= 0 ? known : reported;
}
