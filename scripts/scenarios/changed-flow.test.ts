import { describe, expect, test } from 'vitest';
import { checkConfig } from '../../common/config.ts';
import type { MergeLog } from '../../common/merge.ts';
import { applyDeadline, deadlineOf } from '../../processor/transaction-record.ts';
import { tranweaveConfigSchema } from '../tranweave-config.ts';
import { arrive, rulesOf } from './play.ts';

/** What docs/flows.md says of a flow that is changed while transactions are on their way. */

const MINUTE = 60_000;
const findFlowOf = (flow: string) =>
  rulesOf(checkConfig(`default_flow: ${flow}`, tranweaveConfigSchema, {}).config!).findFlow;
const before = findFlowOf('{ steps: [send, hub, receive], deadline: 10m }');
const log = (step: string): MergeLog => ({
  transaction_id: 'T1',
  event_id: step,
  step,
  status: 'succeeded',
  event_time: '2026-01-31T09:15:00.000000Z',
});
const begun = () => arrive(undefined, { log: log('send'), at: 0 }, before)!;

describe('a changed flow', () => {
  const shorter = findFlowOf('{ steps: [send, hub], deadline: 5m }');

  test('applies as the next log arrives', () => {
    expect(begun().summary).toMatchObject({ status: 'in_progress', steps_expected: 3 });
    expect(arrive(begun(), { log: log('hub'), at: MINUTE }, shorter)?.summary).toMatchObject({
      status: 'completed',
      steps_expected: 2,
    });
  });

  test('does not apply as a log is repeated, nor is its earlier deadline watched then', () => {
    const known = begun();
    const repeated = arrive(known, { log: log('send'), at: MINUTE }, shorter);
    expect(repeated).toBe(known);
    expect(repeated?.record.deadline_at).toBe(10 * MINUTE);
    expect(arrive(begun(), { log: log('audit'), at: MINUTE }, shorter)?.record.deadline_at).toBe(5 * MINUTE);
  });

  test.each([
    ['{ steps: [send, hub, receive], deadline: 1h }', 60 * MINUTE],
    ['{ steps: [send, hub, receive] }', undefined],
    ['{ steps: [send], deadline: 1m }', undefined],
  ])('decides when the deadline that was watched falls due: by %s it is put off or dropped', (flow, due) => {
    const now = findFlowOf(flow);
    expect(applyDeadline(begun().record, now, 10 * MINUTE)).toBeUndefined();
    expect(deadlineOf(begun().record, now)).toBe(due);
  });

  test('whose deadline has passed by then times the transaction out', () => {
    const change = applyDeadline(begun().record, shorter, 10 * MINUTE);
    expect(change?.summary).toMatchObject({ status: 'timed_out', late: true, steps_expected: 2 });
  });
});
