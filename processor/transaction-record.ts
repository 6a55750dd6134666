import type { Evaluation } from '../common/evaluate.ts';
import { evaluate } from '../common/evaluate.ts';
import type { Flow } from '../common/flow.ts';
import type { MergeLog, TransactionState } from '../common/merge.ts';
import { merge } from '../common/merge.ts';
import type { Bookkeeping, Summary } from '../common/summary.ts';
import { summarize } from '../common/summary.ts';

/** What Redis keeps of a transaction: its merged state, and what the processor must remember beside it. */
export interface TransactionRecord {
  state: TransactionState;
  kept: Bookkeeping;
}

export type FindFlow = (interfaceId: string | undefined) => Flow;

/** A transaction that a batch or a deadline changed, ready to be committed. */
export interface Change {
  record: TransactionRecord;
  evaluation: Evaluation;
  summary: Summary;
}

export function encodeRecord(record: TransactionRecord): string {
  return JSON.stringify(record);
}

export function decodeRecord(json: string): TransactionRecord {
  return JSON.parse(json) as TransactionRecord;
}

/** Logs of one transaction in one batch, with the times of the stream entries that brought the first and the last. */
export interface LogsOfTransaction {
  logs: MergeLog[];
  firstAt: number;
  lastAt: number;
}

/**
 * The record with the logs in it, or undefined if they change nothing (they were all known).
 *
 * Time runs with the stream, not with the wall clock: a processor that catches up after an outage judges deadlines as
 * they stood when the logs were appended, so a backlog makes nothing late that was in time.
 */
export function applyLogs(
  known: TransactionRecord | undefined,
  { logs, firstAt, lastAt }: LogsOfTransaction,
  findFlow: FindFlow,
): Change | undefined {
  let state = known?.state;
  for (const log of logs) state = merge(state, log);
  if (state === undefined) return undefined;
  if (known !== undefined && JSON.stringify(known.state) === JSON.stringify(state)) return undefined;
  const wasLate = known !== undefined && (known.kept.late || isTimedOut(known, findFlow, firstAt));
  const kept: Bookkeeping = {
    version: (known?.kept.version ?? 0) + 1,
    late: wasLate,
    created_at: known?.kept.created_at ?? firstAt,
    updated_at: lastAt,
  };
  return toChange({ state, kept }, findFlow, lastAt);
}

/** The record as a passed deadline leaves it, or undefined if none has passed at `now` (ms since 1970). */
export function applyDeadline(known: TransactionRecord, findFlow: FindFlow, now: number): Change | undefined {
  if (!isTimedOut(known, findFlow, now)) return undefined;
  const kept = { ...known.kept, version: known.kept.version + 1, late: true, updated_at: now };
  return toChange({ state: known.state, kept }, findFlow, now);
}

/** When the record is due by its flow as it is now, ms since 1970; undefined if it waits for nothing. */
export function deadlineOf(record: TransactionRecord, findFlow: FindFlow): number | undefined {
  const flow = findFlow(record.state.facts.interface_id?.value);
  return evaluate(record.state, flow, record.kept.created_at, 0).deadline_at;
}

function isTimedOut(record: TransactionRecord, findFlow: FindFlow, now: number): boolean {
  const flow = findFlow(record.state.facts.interface_id?.value);
  return evaluate(record.state, flow, record.kept.created_at, now).status === 'timed_out';
}

function toChange(record: TransactionRecord, findFlow: FindFlow, now: number): Change {
  const flow = findFlow(record.state.facts.interface_id?.value);
  const evaluation = evaluate(record.state, flow, record.kept.created_at, now);
  const late = record.kept.late || evaluation.status === 'timed_out';
  const settled = { state: record.state, kept: { ...record.kept, late } };
  return { record: settled, evaluation, summary: summarize(settled.state, flow, evaluation, settled.kept) };
}
