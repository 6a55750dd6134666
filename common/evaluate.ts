import type { Flow, FlowStep } from './flow.ts';
import type { StepState, TransactionState } from './transaction-state.ts';

/** What a flow makes of a transaction's state: its status, how much of it is done, and what it is waiting for until when. */

export const TRANSACTION_STATUSES = ['in_progress', 'completed', 'failed', 'timed_out'] as const;
export type TransactionStatus = (typeof TRANSACTION_STATUSES)[number];

export interface Evaluation {
  status: TransactionStatus;
  /** Expected slots: one a step, or one for each of its expected branches; optional steps count none. */
  steps_expected: number;
  steps_finished: number;
  /** The next deadline that is not met yet, in ms since 1970; absent when completed or failed, or when nothing is timed. */
  deadline_at?: number;
}

/**
 * @param createdAt when the transaction's first log was collected, ms since 1970: deadlines count from there and not from
 *   the logs' own times, so that a backlog that arrives late raises no alarm for exchanges that went well.
 * @param now ms since 1970.
 *
 * `failed`: the newest state of some step is failed. `completed`: every expected step and branch has succeeded or was skipped.
 * `timed_out`: a deadline passed in neither. `in_progress`: otherwise. Unexpected steps never hold up completion.
 */
export function evaluate(state: TransactionState, flow: Flow, createdAt: number, now: number): Evaluation {
  let expected = 0;
  let finished = 0;
  let deadline = Infinity;
  for (const step of flow.steps) {
    if (step.optional) continue;
    const progress = progressOf(step, state.steps);
    expected += progress.expected;
    finished += progress.finished;
    const stepDeadline = 'deadline' in step ? step.deadline : undefined;
    if (stepDeadline !== undefined && progress.finished < progress.expected) {
      deadline = Math.min(deadline, createdAt + stepDeadline);
    }
  }
  if (flow.deadline !== undefined) deadline = Math.min(deadline, createdAt + flow.deadline);
  const counts = { steps_expected: expected, steps_finished: finished };
  if (state.steps.some((step) => step.status === 'failed')) return { status: 'failed', ...counts };
  if (finished === expected) return { status: 'completed', ...counts };
  if (deadline === Infinity) return { status: 'in_progress', ...counts };
  return { status: deadline <= now ? 'timed_out' : 'in_progress', ...counts, deadline_at: deadline };
}

/** The first moment at which something of the flow can be due, in ms after a transaction's first log; Infinity if nothing is timed. */
export function earliestDeadline(flow: Flow): number {
  let earliest = flow.deadline ?? Infinity;
  for (const step of flow.steps) {
    if ('deadline' in step && step.deadline !== undefined && step.deadline < earliest)
      earliest = step.deadline;
  }
  return earliest;
}

function progressOf(step: FlowStep, states: readonly StepState[]): { expected: number; finished: number } {
  const branches = 'branches' in step ? step.branches : undefined;
  if (branches === undefined)
    return { expected: 1, finished: isFinishedEverywhere(step.step, states) ? 1 : 0 };
  const done = states.filter((state) => state.step === step.step && isFinished(state));
  if (typeof branches === 'number') return { expected: branches, finished: Math.min(done.length, branches) };
  return {
    expected: branches.length,
    finished: branches.filter((b) => done.some((s) => s.branch === b)).length,
  };
}

/** Whether a step of which no branches are expected was seen, and nothing of it is left to be done. */
function isFinishedEverywhere(step: string, states: readonly StepState[]): boolean {
  let isSeen = false;
  for (const state of states) {
    if (state.step !== step) continue;
    if (!isFinished(state)) return false;
    isSeen = true;
  }
  return isSeen;
}

function isFinished({ status }: StepState): boolean {
  return status === 'succeeded' || status === 'skipped';
}
