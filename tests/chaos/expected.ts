import { evaluate } from '../../common/evaluate.ts';
import type { Flow } from '../../common/flow.ts';
import { merge } from '../../common/merge.ts';
import type { MergeLog } from '../../common/merge.ts';
import { summarize } from '../../common/summary.ts';
import type { Summary } from '../../common/summary.ts';
import type { TransactionState } from '../../common/transaction-state.ts';
import { seededRandom } from '../../scripts/seeded-random.ts';
import { shuffle } from './plan.ts';

/** Fields of a summary that say when and in how many turns it was collected: no log tells them. */
export const COLLECTION_FIELDS = ['version', 'created_at', 'updated_at', 'deadline_at', 'late'] as const;

/** What must become of a transaction, by its logs alone. */
export interface Expected {
  state: TransactionState;
  flow: Flow;
  summary: Omit<Summary, (typeof COLLECTION_FIELDS)[number]>;
}

export type FindFlow = (interfaceId: string | undefined) => Flow;

/**
 * Transaction id → what must become of it: its lines merged straight, in an order of their own.
 *
 * @param isPassed whether the deadline of a flow has passed for whatever is still open.
 */
export function expectedOf(
  lines: readonly string[],
  seed: number,
  findFlow: FindFlow,
  isPassed: (flow: Flow) => boolean,
): Map<string, Expected> {
  const random = seededRandom(seed);
  const expected = new Map<string, Expected>();
  for (const [id, logs] of logsByTransaction(lines)) {
    let state: TransactionState | undefined;
    for (const log of shuffle(logs, random)) state = merge(state, log);
    if (state === undefined) continue;
    const flow = findFlow(state.facts.interface_id?.value);
    const evaluation = evaluate(state, flow, 0, isPassed(flow) ? Infinity : 0);
    const kept = { version: 0, late: false, created_at: 0, updated_at: 0 };
    expected.set(id, { state, flow, summary: summarize(state, flow, evaluation, kept) });
  }
  return expected;
}

function logsByTransaction(lines: readonly string[]): Map<string, MergeLog[]> {
  const byTransaction = new Map<string, MergeLog[]>();
  for (const line of lines) {
    const log = JSON.parse(line) as MergeLog;
    const known = byTransaction.get(log.transaction_id);
    if (known === undefined) byTransaction.set(log.transaction_id, [log]);
    else known.push(log);
  }
  return byTransaction;
}
