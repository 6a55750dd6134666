import type { Outcome } from '../../outcome.ts';
import type { Message, QueueFacts } from './protocol.ts';
import { describeReason } from './reasons.ts';
import { deadLetterOf, outcomesOf } from './records.ts';
import type { RecordDeps } from './records.ts';

/** What is to become of a batch of messages. */
export interface BatchPlan {
  outcomes: Outcome[];
  /** Indexes of messages that keep coming back and go to the backout queue. */
  setAside: number[];
  backoutQueue: string;
}

export interface BackoutSettings {
  /** In place of the queue's own BOTHRESH and BOQNAME. */
  threshold: number | undefined;
  queue: string | undefined;
}

/** If neither the config nor the queue says how often a message may come back. Every lost connection counts as once. */
const BACKOUT_THRESHOLD_DEFAULT = 10;

/** Sorts messages: those that came back too often are not looked into any more, since that may be why they do. */
export function planBatch(
  deps: RecordDeps,
  queue: string,
  messages: readonly Message[],
  settings: BackoutSettings,
  facts: QueueFacts,
): BatchPlan {
  const threshold = settings.threshold ?? (facts.backoutThreshold || BACKOUT_THRESHOLD_DEFAULT);
  const backoutQueue = settings.queue ?? facts.backoutQueue ?? '';
  const plan: BatchPlan = { outcomes: [], setAside: [], backoutQueue };
  for (const [index, message] of messages.entries()) {
    const { backoutCount } = message.descriptor;
    if (backoutCount < threshold) {
      // One by one: a message may be decoded to more of them than a call can have arguments.
      for (const outcome of outcomesOf(deps, queue, message)) plan.outcomes.push(outcome);
    } else if (backoutQueue !== '') {
      plan.setAside.push(index);
    } else {
      const reason = `the message came back ${backoutCount} times, and there is no backout queue`;
      plan.outcomes.push(deadLetterOf(deps, queue, message, 'backout', reason));
    }
  }
  return plan;
}

/** Those of a batch that the backout queue would not take. */
export function deadLettersFor(
  deps: RecordDeps,
  queue: string,
  messages: readonly Message[],
  failures: readonly { index: number; reason: number }[],
): Outcome[] {
  return failures.flatMap(({ index, reason }) => {
    const message = messages[index];
    if (message === undefined) return [];
    const words = `the message came back ${message.descriptor.backoutCount} times, and the backout queue does not take it: ${describeReason('PUT1', reason)}`;
    return [deadLetterOf(deps, queue, message, 'backout', words)];
  });
}
