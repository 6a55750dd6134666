import { ForeignDataError } from '../common/errors.ts';
import { TRANSACTION_STATUSES } from '../common/evaluate.ts';
import type { TransactionStatus } from '../common/evaluate.ts';
import { STATUSES } from '../common/tracking-log.ts';
import type { Fact, FirstError, StepState } from '../common/transaction-state.ts';
import type { TransactionRecord } from './transaction-record.ts';

/**
 * How Redis holds a transaction: a JSON array whose parts are known by their places, since their names would be most of it. There may be
 * millions, and each is written anew with every change, so nothing is said twice:
 *
 * - a time in the hour of the transaction's start is told from its minutes on, without the Z;
 * - what comes from a step's deciding log, as most facts do, names the step by its place and not the log;
 * - a step's start and end are 0 where they are the time of its deciding log;
 * - what was collected or is due later than `created_at` is told in ms after that, which JSON writes faster than a large number;
 * - a step without an error has no places for one.
 */
type StoredRecord = [
  format: typeof FORMAT,
  transaction_id: string,
  version: number,
  late: 0 | 1,
  created_at: number,
  updated_after: number,
  deadline_after: number | null,
  logs: readonly number[],
  started_at: string,
  last_event_at: string,
  cut: 0 | 1,
  steps: StoredStep[],
  last_step: StoredFact | null,
  business_keys: [key: string, fact: StoredFact][],
  interface_id: StoredFact | null,
  source_system: StoredFact | null,
  target_system: StoredFact | null,
  parent_transaction_id: StoredFact | null,
  first_error: StoredError | null,
  /** Its place in TRANSACTION_STATUSES. */
  status: number,
];
const FORMAT = 1;
const PARTS = 20;

type StoredFact = [value: string, place: number] | [value: string, at: string, by: string];

type StoredStep = [
  step: string,
  branch: string,
  attempt: number,
  /** Its place in STATUSES. */
  status: number,
  at: string,
  by: string,
  started_at: string | 0,
  ended_at: string | 0 | null,
  duration_ms: number | null,
  node: string | null,
  error_code?: string | null,
  error_message?: string | null,
];

type StoredError = [step: string, branch: string, code: string, message: string, at: string, by: string];

export function encodeRecord({ state, kept, status, logs, deadline_at }: TransactionRecord): string {
  const { steps, facts, first_error: error } = state;
  const hour = hourOf(state.started_at);
  const storeIfKnown = (fact: Fact | undefined) => (fact === undefined ? null : storeFact(fact, steps, hour));
  const stored: StoredRecord = [
    FORMAT,
    state.transaction_id,
    kept.version,
    kept.late ? 1 : 0,
    kept.created_at,
    kept.updated_at - kept.created_at,
    deadline_at === undefined ? null : deadline_at - kept.created_at,
    logs,
    state.started_at,
    shorten(state.last_event_at, hour),
    state.cut ? 1 : 0,
    steps.map((step) => storeStep(step, hour)),
    storeIfKnown(state.last_step),
    state.business_keys.map(({ key, fact }) => [key, storeFact(fact, steps, hour)]),
    storeIfKnown(facts.interface_id),
    storeIfKnown(facts.source_system),
    storeIfKnown(facts.target_system),
    storeIfKnown(facts.parent_transaction_id),
    error === undefined ? null : storeError(error, hour),
    TRANSACTION_STATUSES.indexOf(status),
  ];
  return JSON.stringify(stored);
}

/** Throws a ForeignDataError naming the key for what we have not written. */
export function decodeRecord(json: string, key: string): TransactionRecord {
  const stored = parse(json, key);
  const [, transaction_id, version, late, created_at, updatedAfter, deadlineAfter, logs, ...merged] = stored;
  const [started_at, last_event_at, cut, storedSteps, last_step, keys, ...rest] = merged;
  const [interface_id, source_system, target_system, parent_transaction_id, error, statusPlace] = rest;
  const hour = hourOf(started_at);
  const steps = storedSteps.map((step) => stepOf(step, hour));
  const ifKnown = (fact: StoredFact | null) => (fact === null ? undefined : factOf(fact, steps, hour));
  const state = {
    transaction_id,
    started_at,
    last_event_at: lengthen(last_event_at, hour),
    last_step: ifKnown(last_step),
    facts: {
      interface_id: ifKnown(interface_id),
      parent_transaction_id: ifKnown(parent_transaction_id),
      source_system: ifKnown(source_system),
      target_system: ifKnown(target_system),
    },
    business_keys: keys.map(([key, fact]) => ({ key, fact: factOf(fact, steps, hour) })),
    steps,
    first_error: error === null ? undefined : errorOf(error, hour),
    cut: cut === 1,
  };
  const kept = { version, late: late === 1, created_at, updated_at: created_at + updatedAfter };
  const status = TRANSACTION_STATUSES[statusPlace] as TransactionStatus;
  const record = { state, kept, status, logs };
  return deadlineAfter === null ? record : { ...record, deadline_at: created_at + deadlineAfter };
}

/** A quick look at the shape is all that is affordable; nobody but us has a reason to write here. */
function parse(json: string, key: string): StoredRecord {
  let parsed: unknown;
  try {
    parsed = JSON.parse(json);
  } catch {
    // Told below.
  }
  if (!isStored(parsed)) throw new ForeignDataError(`Redis holds something that is not ours under ${key}`);
  return parsed;
}

function isStored(parsed: unknown): parsed is StoredRecord {
  if (!Array.isArray(parsed) || parsed[0] !== FORMAT || parsed.length !== PARTS) return false;
  const [, id, version, , , , , logs, startedAt, lastEventAt, , steps, , keys] = parsed as unknown[];
  return (
    typeof version === 'number' &&
    [id, startedAt, lastEventAt].every((text) => typeof text === 'string') &&
    [logs, steps, keys].every((list) => Array.isArray(list))
  );
}

function storeStep(step: StepState, hour: string): StoredStep {
  const { at, started_at: startedAt, ended_at: endedAt, error_code: code, error_message: message } = step;
  const stored: StoredStep = [
    step.step,
    step.branch,
    step.attempt,
    STATUSES.indexOf(step.status),
    shorten(at, hour),
    step.by,
    startedAt === at ? 0 : shorten(startedAt, hour),
    endedAt === at ? 0 : endedAt === undefined ? null : shorten(endedAt, hour),
    step.duration_ms ?? null,
    step.node ?? null,
  ];
  if (code !== undefined || message !== undefined) stored.push(code ?? null, message ?? null);
  return stored;
}

function stepOf(stored: StoredStep, hour: string): StepState {
  const [step, branch, attempt, status, shortAt, by, startedAt, endedAt, ...reported] = stored;
  const [duration, node, code, message] = reported;
  const at = lengthen(shortAt, hour);
  return {
    step,
    branch,
    attempt,
    status: STATUSES[status] as StepState['status'],
    at,
    by,
    started_at: startedAt === 0 ? at : lengthen(startedAt, hour),
    ended_at: endedAt === 0 ? at : typeof endedAt === 'string' ? lengthen(endedAt, hour) : undefined,
    duration_ms: duration ?? undefined,
    node: node ?? undefined,
    error_code: code ?? undefined,
    error_message: message ?? undefined,
  };
}

function storeFact({ value, at, by }: Fact, steps: readonly StepState[], hour: string): StoredFact {
  for (let place = 0; place < steps.length; place += 1) {
    const step = steps[place];
    if (step?.by === by && step.at === at) return [value, place];
  }
  return [value, shorten(at, hour), by];
}

function factOf([value, from, by]: StoredFact, steps: readonly StepState[], hour: string): Fact {
  if (typeof from === 'string') return { value, at: lengthen(from, hour), by: by ?? '' };
  const step = steps[from];
  return { value, at: step?.at ?? '', by: step?.by ?? '' };
}

function storeError(
  { step, branch, error_code, error_message, at, by }: FirstError,
  hour: string,
): StoredError {
  return [step, branch, error_code, error_message, shorten(at, hour), by];
}

function errorOf([step, branch, error_code, error_message, at, by]: StoredError, hour: string): FirstError {
  return { step, branch, error_code, error_message, at: lengthen(at, hour), by };
}

/** `2026-01-31T09:` */
function hourOf(time: string): string {
  return time.slice(0, 14);
}

function shorten(time: string, hour: string): string {
  return time.startsWith(hour) ? time.slice(hour.length, -1) : time;
}

function lengthen(time: string, hour: string): string {
  return time.endsWith('Z') ? time : `${hour}${time}Z`;
}
