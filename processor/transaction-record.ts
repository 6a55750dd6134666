import type { Account } from '../common/account.ts';
import type { Evaluation, TransactionStatus } from '../common/evaluate.ts';
import { earliestDeadline, evaluate } from '../common/evaluate.ts';
import type { Flow } from '../common/flow.ts';
import type { MergeLog } from '../common/merge.ts';
import { mergeInto, stateBefore } from '../common/merge.ts';
import type { Bookkeeping, Summary } from '../common/summary.ts';
import { summarize } from '../common/summary.ts';
import type { TransactionState } from '../common/transaction-state.ts';
import type { KnownLogs } from './known-logs.ts';

/** What Redis keeps of a transaction: its merged state, and what the processor must remember beside it. */
export interface TransactionRecord {
  state: TransactionState;
  kept: Bookkeeping;
  /** As it was last published. */
  status: TransactionStatus;
  /** Which logs it has; see known-logs.ts. */
  logs: KnownLogs;
  /** The deadline that is being watched, ms since 1970; absent if none is. */
  deadline_at?: number;
}

export type FindFlow = (interfaceId: string | undefined) => Flow;

/** A transaction that a batch or a deadline changed, ready to be committed. */
export interface Change {
  record: TransactionRecord;
  evaluation: Evaluation;
  summary: Summary;
  /** The status in the revision before; '' for the first. */
  was: TransactionStatus | '';
  /** Whether the deadline that is watched must be set or taken away. */
  deadlineChanged: boolean;
}

/** A change that is not published, since the summary is the same: only the list of the transaction's logs grew. */
export type QuietChange = Omit<Change, 'summary' | 'was'> & { summary?: undefined };

/**
 * Logs of one transaction in one batch, in the order of the stream; place by place, when each was collected (ms since 1970) and the account of
 * its entry.
 */
export interface LogsOfTransaction {
  logs: MergeLog[];
  at: number[];
  accounts: (Account | undefined)[];
}

/**
 * The record with the logs in it, or undefined if they change nothing (they were all known). The state of `known` itself is changed, since a copy for
 * each log would be most of what the garbage collector has to do: should the change not be committed, `known` is not what Redis holds any more, and must
 * be read again.
 *
 * Time runs with the stream, not with the wall clock: a processor that catches up after an outage judges deadlines as
 * they stood when each log was collected. So a backlog makes nothing late that was in time, and what is late does not depend on how
 * the logs were batched.
 */
export function applyLogs(
  known: TransactionRecord | undefined,
  { logs, at }: Pick<LogsOfTransaction, 'logs' | 'at'>,
  findFlow: FindFlow,
): Change | undefined {
  const [first] = logs;
  if (first === undefined) return undefined;
  const createdAt = known?.kept.created_at ?? at[0] ?? 0;
  let late = known?.kept.late ?? false;
  const state = known?.state ?? stateBefore(first);
  let isChanged = known === undefined;
  logs.forEach((log, index) => {
    const isBegun = known !== undefined || index > 0;
    if (isBegun && !late) late = isTimedOut(state, findFlow, createdAt, at[index] ?? createdAt);
    isChanged = mergeInto(state, log) || isChanged;
  });
  if (!isChanged) return undefined;
  const lastAt = at.at(-1) ?? createdAt;
  const kept: Bookkeeping = {
    version: (known?.kept.version ?? 0) + 1,
    late,
    created_at: createdAt,
    updated_at: lastAt,
  };
  return toChange({ state, kept, logs: known?.logs ?? [] }, known, findFlow, lastAt);
}

/** The record with another list of its logs and nothing else. */
export function applyKnownLogs(known: TransactionRecord, logs: KnownLogs, findFlow: FindFlow): QuietChange {
  const flow = findFlow(known.state.facts.interface_id?.value);
  const evaluation = evaluate(known.state, flow, known.kept.created_at, known.kept.updated_at);
  return { record: { ...known, logs }, evaluation, deadlineChanged: false };
}

/** The record as a passed deadline leaves it, or undefined if none has passed at `now` (ms since 1970). */
export function applyDeadline(known: TransactionRecord, findFlow: FindFlow, now: number): Change | undefined {
  if (!isTimedOut(known.state, findFlow, known.kept.created_at, now)) return undefined;
  const kept = { ...known.kept, version: known.kept.version + 1, late: true, updated_at: now };
  // It was due, so it is set or taken away, also if the record knows of none: it may be one that was forgotten since, and begun anew.
  return { ...toChange({ ...known, kept }, known, findFlow, now), deadlineChanged: true };
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
  { state, kept, logs }: Pick<TransactionRecord, 'state' | 'kept' | 'logs'>,
  before: TransactionRecord | undefined,
  findFlow: FindFlow,
  now: number,
): Change {
  const flow = findFlow(state.facts.interface_id?.value);
  const evaluation = evaluate(state, flow, kept.created_at, now);
  const settled = { ...kept, late: kept.late || evaluation.status === 'timed_out' };
  const deadline = evaluation.status === 'in_progress' ? evaluation.deadline_at : undefined;
  const record = { state, kept: settled, status: evaluation.status, logs };
  return {
    record: deadline === undefined ? record : { ...record, deadline_at: deadline },
    evaluation,
    summary: summarize(state, flow, evaluation, settled),
    was: before?.status ?? '',
    deadlineChanged: deadline !== before?.deadline_at,
  };
}
