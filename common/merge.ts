import { cutToBytes } from './text.ts';
import { minusMicros } from './timestamp.ts';
import type { TrackingLog } from './tracking-log.ts';
import { copyState, emptyState } from './transaction-state.ts';
import type { Fact, FirstError, StepState, TransactionFacts, TransactionState } from './transaction-state.ts';

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
 *
 * What changes a state in place returns whether it did: that tells a new log from a repetition.
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

/** The state with the log in it. Pure: `state` is not changed. */
export function merge(state: TransactionState | undefined, log: MergeLog): TransactionState {
  const merged = state === undefined ? stateBefore(log) : copyState(state);
  mergeInto(merged, log);
  return merged;
}

/** A transaction's state before its first log; never seen, since that log is merged at once. */
export function stateBefore(log: MergeLog): TransactionState {
  return emptyState(log.transaction_id, startOf(log), log.event_time);
}

/** Merges the log into the state itself, which must be the caller's own. Returns whether that changed it. */
export function mergeInto(state: TransactionState, log: MergeLog): boolean {
  const startedAt = startOf(log);
  let changed = mergeTimes(state, startedAt, log.event_time);
  changed = mergeFacts(state.facts, log) || changed;
  if (log.business_keys !== undefined) changed = mergeBusinessKeys(state, log.business_keys, log) || changed;
  if (log.status === 'info') return changed;
  changed = mergeLastStep(state, log) || changed;
  changed = mergeSteps(state, stepOf(log, log.status, startedAt)) || changed;
  return log.status === 'failed' ? mergeFirstError(state, log) || changed : changed;
}

/** A log that reports its duration began that much earlier. */
function startOf(log: MergeLog): string {
  if (log.duration_ms === undefined || log.status === 'started') return log.event_time;
  return minusMicros(log.event_time, log.duration_ms * 1000);
}

function mergeTimes(state: TransactionState, startedAt: string, eventTime: string): boolean {
  let changed = false;
  if (startedAt < state.started_at) {
    state.started_at = startedAt;
    changed = true;
  }
  if (eventTime > state.last_event_at) {
    state.last_event_at = eventTime;
    changed = true;
  }
  return changed;
}

function compare(a: string | number, b: string | number): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

/** Whether the log's word for `value` is newer than what is known. */
function isNewer(known: Fact | undefined, value: string, log: MergeLog): boolean {
  if (known === undefined) return true;
  return (
    (compare(known.at, log.event_time) || compare(known.by, log.event_id) || compare(known.value, value)) < 0
  );
}

function factOf(value: string, log: MergeLog): Fact {
  return { value, at: log.event_time, by: log.event_id };
}

function mergeFacts(facts: TransactionFacts, log: MergeLog): boolean {
  const { interface_id: id, parent_transaction_id: parent, source_system, target_system } = log;
  let changed = false;
  if (id !== undefined && isNewer(facts.interface_id, id, log)) {
    facts.interface_id = factOf(id, log);
    changed = true;
  }
  if (parent !== undefined && isNewer(facts.parent_transaction_id, parent, log)) {
    facts.parent_transaction_id = factOf(parent, log);
    changed = true;
  }
  if (source_system !== undefined && isNewer(facts.source_system, source_system, log)) {
    facts.source_system = factOf(source_system, log);
    changed = true;
  }
  if (target_system !== undefined && isNewer(facts.target_system, target_system, log)) {
    facts.target_system = factOf(target_system, log);
    changed = true;
  }
  return changed;
}

function mergeLastStep(state: TransactionState, log: MergeLog): boolean {
  if (!isNewer(state.last_step, log.step, log)) return false;
  state.last_step = factOf(log.step, log);
  return true;
}

function mergeBusinessKeys(
  state: TransactionState,
  keys: Readonly<Record<string, string>>,
  log: MergeLog,
): boolean {
  let changed = false;
  for (const [key, value] of Object.entries(keys)) {
    changed = mergeBusinessKey(state, key, value, log) || changed;
  }
  return changed;
}

function mergeBusinessKey(state: TransactionState, key: string, text: string, log: MergeLog): boolean {
  const { business_keys: known } = state;
  let at = 0;
  while (at < known.length && known[at]!.key < key) at += 1;
  const value = cutToBytes(text, SUMMARY_LIMITS.keyValueBytesMax);
  if (known[at]?.key === key) {
    if (!isNewer(known[at]!.fact, value, log)) return false;
    known[at] = { key, fact: factOf(value, log) };
    return true;
  }
  return insert(state, known, at, { key, fact: factOf(value, log) }, SUMMARY_LIMITS.keysMax);
}

/** At its place in a sorted list; the last one falls out if it is over the bound. */
function insert<T>(state: TransactionState, list: T[], at: number, item: T, max: number): boolean {
  const isKept = at < max;
  if (at === list.length && isKept) list.push(item);
  else if (isKept) list.splice(at, 0, item);
  if (list.length <= max && isKept) return true;
  list.length = max;
  const changed = isKept || !state.cut;
  state.cut = true;
  return changed;
}

function mergeSteps(state: TransactionState, reported: StepState): boolean {
  const { steps } = state;
  let at = 0;
  while (at < steps.length && comparePlaces(steps[at]!, reported) < 0) at += 1;
  const known = steps[at];
  if (known === undefined || comparePlaces(known, reported) !== 0) {
    return insert(state, steps, at, reported, SUMMARY_LIMITS.stepsMax);
  }
  const merged = mergeStep(known, reported);
  steps[at] = merged;
  return merged !== known;
}

function comparePlaces(a: StepState, b: StepState): number {
  return compare(a.step, b.step) || compare(a.branch, b.branch);
}

function stepOf(log: MergeLog, status: StepState['status'], startedAt: string): StepState {
  return {
    step: log.step,
    branch: log.branch ?? '',
    attempt: log.attempt ?? 1,
    status,
    at: log.event_time,
    by: log.event_id,
    started_at: startedAt,
    ended_at: status === 'started' ? undefined : log.event_time,
    duration_ms: log.duration_ms,
    node: log.node,
    error_code: log.error_code,
    error_message:
      log.error_message === undefined
        ? undefined
        : cutToBytes(log.error_message, SUMMARY_LIMITS.errorMessageBytesMax),
  };
}

/** The very `known` if it stands as it is. */
function mergeStep(known: StepState, reported: StepState): StepState {
  const decided = compareSteps(known, reported) >= 0 ? known : reported;
  const startedAt = known.started_at <= reported.started_at ? known.started_at : reported.started_at;
  const endedAt = laterEnd(known.ended_at, reported.ended_at);
  if (decided === known && startedAt === known.started_at && endedAt === known.ended_at) return known;
  return { ...decided, started_at: startedAt, ended_at: endedAt };
}

function laterEnd(a: string | undefined, b: string | undefined): string | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return a >= b ? a : b;
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

function mergeFirstError(state: TransactionState, log: MergeLog): boolean {
  const reported: FirstError = {
    step: log.step,
    branch: log.branch ?? '',
    error_code: log.error_code ?? '',
    error_message: cutToBytes(log.error_message ?? '', SUMMARY_LIMITS.errorMessageBytesMax),
    at: log.event_time,
    by: log.event_id,
  };
  const known = state.first_error;
  if (known !== undefined) {
    const order =
      compare(known.at, reported.at) ||
      compare(known.by, reported.by) ||
      compare(JSON.stringify(known), JSON.stringify(reported));
    if (order <= 0) return false;
  }
  state.first_error = reported;
  return true;
}
