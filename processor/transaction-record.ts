import { ForeignDataError } from '../common/errors.ts';
import type { Evaluation } from '../common/evaluate.ts';
import { earliestDeadline, evaluate } from '../common/evaluate.ts';
import type { Flow } from '../common/flow.ts';
import type { MergeLog, TransactionState } from '../common/merge.ts';
import { merge } from '../common/merge.ts';
import type { Bookkeeping, Summary } from '../common/summary.ts';
import { summarize } from '../common/summary.ts';

/** What Redis keeps of a transaction: its merged state, and what the processor must remember beside it. */
export interface TransactionRecord {
  state: TransactionState;
  /** The state as JSON: tells a change from a repetition, and is stringified once for both. */
  stateJson: string;
  kept: Bookkeeping;
  /** The deadline that is being watched, ms since 1970; absent if none is. */
  deadline_at?: number;
}

export type FindFlow = (interfaceId: string | undefined) => Flow;

/** A transaction that a batch or a deadline changed, ready to be committed. */
export interface Change {
  record: TransactionRecord;
  evaluation: Evaluation;
  summary: Summary;
  /** Whether the deadline that is watched must be set or taken away. */
  deadlineChanged: boolean;
}

export function encodeRecord({ stateJson, kept, deadline_at }: TransactionRecord): string {
  return `{"kept":${JSON.stringify(kept)},"deadline_at":${deadline_at ?? 'null'},"state":${stateJson}}`;
}

/** Throws a ForeignDataError naming the key for what we have not written. */
export function decodeRecord(json: string, key: string): TransactionRecord {
  const { state, kept, deadline_at } = parse(json, key);
  const record = { state, stateJson: JSON.stringify(state), kept };
  return deadline_at === null ? record : { ...record, deadline_at };
}

interface Parsed {
  state: TransactionState;
  kept: Bookkeeping;
  deadline_at: number | null;
}

/** A quick look at the shape is all that is affordable; nobody but us has a reason to write here. */
function parse(json: string, key: string): Parsed {
  let parsed: Partial<Parsed> | null = null;
  try {
    parsed = JSON.parse(json) as Partial<Parsed> | null;
  } catch {
    // Told below.
  }
  if (parsed?.state?.steps === undefined || parsed.kept?.version === undefined) {
    throw new ForeignDataError(`Redis holds something that is not ours under ${key}`);
  }
  return parsed as Parsed;
}

/** Logs of one transaction in one batch, in the order of the stream, and when each was collected (ms since 1970, place by place). */
export interface LogsOfTransaction {
  logs: MergeLog[];
  at: number[];
}

/**
 * The record with the logs in it, or undefined if they change nothing (they were all known).
 *
 * Time runs with the stream, not with the wall clock: a processor that catches up after an outage judges deadlines as
 * they stood when each log was collected. So a backlog makes nothing late that was in time, and what is late does not depend on how
 * the logs were batched.
 */
export function applyLogs(
  known: TransactionRecord | undefined,
  { logs, at }: LogsOfTransaction,
  findFlow: FindFlow,
): Change | undefined {
  let state = known?.state;
  let late = known?.kept.late ?? false;
  const createdAt = known?.kept.created_at ?? at[0] ?? 0;
  logs.forEach((log, index) => {
    if (state !== undefined && !late) late = isTimedOut(state, findFlow, createdAt, at[index] ?? createdAt);
    state = merge(state, log);
  });
  if (state === undefined) return undefined;
  const stateJson = JSON.stringify(state);
  if (known?.stateJson === stateJson) return undefined;
  const lastAt = at.at(-1) ?? createdAt;
  const kept: Bookkeeping = {
    version: (known?.kept.version ?? 0) + 1,
    late,
    created_at: createdAt,
    updated_at: lastAt,
  };
  return toChange({ state, stateJson, kept }, known?.deadline_at, findFlow, lastAt);
}

/** The record as a passed deadline leaves it, or undefined if none has passed at `now` (ms since 1970). */
export function applyDeadline(known: TransactionRecord, findFlow: FindFlow, now: number): Change | undefined {
  if (!isTimedOut(known.state, findFlow, known.kept.created_at, now)) return undefined;
  const kept = { ...known.kept, version: known.kept.version + 1, late: true, updated_at: now };
  return toChange({ ...known, kept }, known.deadline_at, findFlow, now);
}

/** When the record is due by its flow as it is now, ms since 1970; undefined if it waits for nothing. */
export function deadlineOf(record: TransactionRecord, findFlow: FindFlow): number | undefined {
  const flow = findFlow(record.state.facts.interface_id?.value);
  return evaluate(record.state, flow, record.kept.created_at, 0).deadline_at;
}

function isTimedOut(state: TransactionState, findFlow: FindFlow, createdAt: number, now: number): boolean {
  const flow = findFlow(state.facts.interface_id?.value);
  // Nearly every log comes long before anything is due: no need to look at the steps.
  if (now - createdAt < earliestDeadline(flow)) return false;
  return evaluate(state, flow, createdAt, now).status === 'timed_out';
}

function toChange(
  { state, stateJson, kept }: TransactionRecord,
  watched: number | undefined,
  findFlow: FindFlow,
  now: number,
): Change {
  const flow = findFlow(state.facts.interface_id?.value);
  const evaluation = evaluate(state, flow, kept.created_at, now);
  const settled = { ...kept, late: kept.late || evaluation.status === 'timed_out' };
  const deadline = evaluation.status === 'in_progress' ? evaluation.deadline_at : undefined;
  const record = { state, stateJson, kept: settled };
  return {
    record: deadline === undefined ? record : { ...record, deadline_at: deadline },
    evaluation,
    summary: summarize(state, flow, evaluation, settled),
    deadlineChanged: deadline !== watched,
  };
}
