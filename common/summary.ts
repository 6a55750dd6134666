import type { Evaluation, TransactionStatus } from './evaluate.ts';
import type { Flow } from './flow.ts';
import { millisBetween, timestampFromMillis } from './timestamp.ts';
import type { BusinessKey, Fact, StepState, TransactionState } from './transaction-state.ts';

/**
 * The summary of a transaction as it is published: one row of `transaction_summary`, derived from the merged state and what
 * its flow makes of it. Unknown is null, never 0, for numbers and times; texts that are not known are ''.
 */
export interface Summary {
  transaction_id: string;
  interface_id: string;
  parent_transaction_id: string;
  source_system: string;
  target_system: string;
  status: TransactionStatus;
  started_at: string;
  /** The latest end of a step, once the transaction has completed or failed. */
  ended_at: string | null;
  last_event_at: string;
  duration_ms: number | null;
  steps_expected: number;
  steps_finished: number;
  /** In the flow's order, then unexpected ones as they started. */
  steps: SummaryStep[];
  /** The step of the newest log. */
  last_step: string;
  /** The first failure, also when a later attempt cleared it. */
  error_step: string;
  error_branch: string;
  error_code: string;
  error_message: string;
  error_at: string | null;
  business_keys: Record<string, string>;
  /** True for ever once a deadline passed before the transaction was completed or failed. */
  late: boolean;
  /** True if there were more steps or keys than a summary holds. */
  cut: boolean;
  deadline_at: string | null;
  /** Grows by one with every published change; of two revisions with one created_at the greater is the truth. */
  version: number;
  /**
   * When the transaction's first log was collected; never changes. Of two revisions with different ones the *earlier* is the truth: Redis
   * had forgotten the transaction (`processor.finished_retention`) and begun it anew for a log that came very late.
   */
  created_at: string;
  updated_at: string;
}

export interface SummaryStep {
  step: string;
  branch: string;
  attempt: number;
  status: StepState['status'];
  started_at: string;
  ended_at: string | null;
  /** As the node measured it, else from first start to last end; 0 for a step that only reported its end. */
  duration_ms: number | null;
  /** From the end of the expected step before it to its own start; negative where clocks differ, null if either is not known. */
  queue_ms: number | null;
  node: string;
  error_code: string;
  error_message: string;
  expected: boolean;
}

/**
 * What is true of a transaction, of what Redis remembers and what a store has. Of two beginnings it is the earlier. Of one it is what Redis
 * remembers: the store comes behind it, or has what a failover of Redis took back (docs/redis.md).
 */
export function trueOf(remembered: Summary | undefined, stored: Summary | undefined): Summary | undefined {
  if (remembered === undefined || stored === undefined) return remembered ?? stored;
  return stored.created_at < remembered.created_at ? stored : remembered;
}

/** What the processor keeps of a transaction beside its merged state. */
export interface Bookkeeping {
  version: number;
  late: boolean;
  /** ms since 1970. */
  created_at: number;
  /** ms since 1970. */
  updated_at: number;
}

export function summarize(
  state: TransactionState,
  flow: Flow,
  evaluation: Evaluation,
  kept: Bookkeeping,
): Summary {
  const steps = summarizeSteps(state, flow);
  const endedAt =
    evaluation.status === 'completed' || evaluation.status === 'failed' ? latestEnd(state) : null;
  const error = state.first_error;
  return {
    transaction_id: state.transaction_id,
    interface_id: textOf(state.facts.interface_id),
    parent_transaction_id: textOf(state.facts.parent_transaction_id),
    source_system: textOf(state.facts.source_system),
    target_system: textOf(state.facts.target_system),
    status: evaluation.status,
    started_at: state.started_at,
    ended_at: endedAt,
    last_event_at: state.last_event_at,
    duration_ms: endedAt === null ? null : millisBetween(state.started_at, endedAt),
    steps_expected: evaluation.steps_expected,
    steps_finished: evaluation.steps_finished,
    steps,
    last_step: textOf(state.last_step),
    error_step: error?.step ?? '',
    error_branch: error?.branch ?? '',
    error_code: error?.error_code ?? '',
    error_message: error?.error_message ?? '',
    error_at: error?.at ?? null,
    business_keys: valuesOf(state.business_keys),
    late: kept.late,
    cut: state.cut,
    deadline_at: evaluation.deadline_at === undefined ? null : timestampFromMillis(evaluation.deadline_at),
    version: kept.version,
    created_at: timestampFromMillis(kept.created_at),
    updated_at: timestampFromMillis(kept.updated_at),
  };
}

function textOf(fact: Fact | undefined): string {
  return fact?.value ?? '';
}

function valuesOf(keys: readonly BusinessKey[]): Record<string, string> {
  // Entries instead of assignment: a key named __proto__ is a key like any other.
  return Object.fromEntries(keys.map(({ key, fact }) => [key, fact.value]));
}

function latestEnd(state: TransactionState): string | null {
  let latest: string | null = null;
  for (const { ended_at: end } of state.steps) {
    if (end !== undefined && (latest === null || end > latest)) latest = end;
  }
  return latest;
}

function summarizeSteps(state: TransactionState, flow: Flow): SummaryStep[] {
  const summaries: SummaryStep[] = [];
  /** The place in the flow that is being told, the latest end there, and that of the nearest earlier place where something has ended. */
  let place = -1;
  let end: string | undefined;
  let previous: string | undefined;
  for (const placed of inOrder(state.steps, flow)) {
    if (placed.place !== place) {
      place = placed.place;
      previous = end ?? previous;
      end = undefined;
    }
    const { step } = placed;
    const isExpected = place < flow.steps.length;
    summaries.push(summarizeStep(step, isExpected ? previous : undefined, isExpected));
    if (step.ended_at !== undefined && (end === undefined || step.ended_at > end)) end = step.ended_at;
  }
  return summaries;
}

interface PlacedStep {
  step: StepState;
  /** Of the step in the flow; behind the last for those that it does not expect. */
  place: number;
}

/** In the flow's order, those of one place as they started. @param steps sorted by (step, branch), which decides the rest. */
function inOrder(steps: readonly StepState[], flow: Flow): PlacedStep[] {
  const ordered: PlacedStep[] = [];
  for (const step of steps) {
    const place = placeIn(flow, step.step);
    let at = ordered.length;
    while (at > 0 && isBefore(step, place, ordered[at - 1])) at -= 1;
    ordered.splice(at, 0, { step, place });
  }
  return ordered;
}

function placeIn(flow: Flow, step: string): number {
  const place = flow.steps.findIndex((expected) => expected.step === step);
  return place === -1 ? flow.steps.length : place;
}

function isBefore({ started_at }: StepState, place: number, other: PlacedStep | undefined): boolean {
  if (other === undefined) return false;
  return place < other.place || (place === other.place && started_at < other.step.started_at);
}

function summarizeStep(step: StepState, previous: string | undefined, expected: boolean): SummaryStep {
  const endedAt = step.status === 'started' ? undefined : step.ended_at;
  return {
    step: step.step,
    branch: step.branch,
    attempt: step.attempt,
    status: step.status,
    started_at: step.started_at,
    ended_at: endedAt ?? null,
    duration_ms: endedAt === undefined ? null : (step.duration_ms ?? millisBetween(step.started_at, endedAt)),
    queue_ms: previous === undefined ? null : millisBetween(previous, step.started_at),
    node: step.node ?? '',
    error_code: step.error_code ?? '',
    error_message: step.error_message ?? '',
    expected,
  };
}
