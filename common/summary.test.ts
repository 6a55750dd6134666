import fc from 'fast-check';
import * as v from 'valibot';
import { describe, expect, test } from 'vitest';
import { evaluate } from './evaluate.ts';
import { flowsEntries } from './flow.ts';
import type { Flow } from './flow.ts';
import { merge } from './merge.ts';
import type { MergeLog } from './merge.ts';
import { summarize, trueOf } from './summary.ts';
import { logsOfOneTransaction } from './testing/log-arbitraries.ts';
import type { TransactionState } from './transaction-state.ts';

function flow(config: unknown): Flow {
  return v.parse(v.strictObject(flowsEntries), { default_flow: config }).default_flow;
}

let ids = 0;
/** `hub/crm#2 failed 3`: step, branch, attempt, status, second. */
function logOf(text: string): MergeLog {
  const [, step = '', branch = '', attempt = '1', status = '', second = '0'] =
    /^(\w+)(?:\/(\w+))?(?:#(\d))? (\w+)(?: (\d))?$/.exec(text) ?? [];
  return {
    transaction_id: 'T1',
    step,
    branch,
    attempt: Number(attempt),
    status: status as MergeLog['status'],
    event_time: `2026-01-31T09:15:0${second}.000000Z`,
    event_id: `id${(ids += 1)}`,
  };
}

function stateOf(...logs: string[]): TransactionState {
  const state = logs.map(logOf).reduce<TransactionState | undefined>(merge, undefined);
  if (state === undefined) throw new Error('needs a log');
  return state;
}

const threeSteps = flow({ steps: ['send', 'hub', 'receive'], deadline: '10s' });

describe('the status of a transaction', () => {
  test.each([
    [['send succeeded'], 5_000, 'in_progress', 1],
    [['send succeeded', 'hub succeeded', 'receive succeeded'], 5_000, 'completed', 3],
    [['send succeeded', 'hub skipped', 'receive succeeded'], 5_000, 'completed', 3],
    [['send succeeded', 'hub failed'], 5_000, 'failed', 1],
    [['send succeeded', 'hub#1 failed', 'hub#2 succeeded', 'receive succeeded'], 5_000, 'completed', 3],
    [['send succeeded', 'hub#1 failed', 'hub#2 started'], 5_000, 'in_progress', 1],
    [['send succeeded', 'hub succeeded'], 10_000, 'timed_out', 2],
    [['send succeeded', 'hub failed'], 99_000, 'failed', 1],
    [['send succeeded', 'hub succeeded', 'receive succeeded', 'audit started'], 99_000, 'completed', 3],
    [['send succeeded', 'hub succeeded', 'receive succeeded', 'audit failed'], 5_000, 'failed', 3],
    [
      ['receive/a succeeded', 'receive/b started', 'send succeeded', 'hub succeeded'],
      5_000,
      'in_progress',
      2,
    ],
    [['send info'], 5_000, 'in_progress', 0],
  ])('after %j, %i ms on, is %s', (logs, now, status, finished) => {
    expect(evaluate(stateOf(...logs), threeSteps, 0, now)).toMatchObject({
      status,
      steps_finished: finished,
      steps_expected: 3,
    });
  });

  test('waits for every named branch, and for no other', () => {
    const fanOut = flow({ steps: ['send', { step: 'receive', branches: ['wms', 'crm'] }] });
    const status = (...logs: string[]) => evaluate(stateOf('send succeeded', ...logs), fanOut, 0, 0).status;
    expect(status('receive/wms succeeded')).toBe('in_progress');
    expect(status('receive/wms succeeded', 'receive/erp succeeded')).toBe('in_progress');
    expect(status('receive/wms succeeded', 'receive/crm succeeded', 'receive/erp started')).toBe('completed');
  });

  test('waits for as many branches as are counted', () => {
    const fanOut = flow({ steps: ['send', { step: 'receive', branches: 2 }] });
    const status = (...logs: string[]) => evaluate(stateOf('send succeeded', ...logs), fanOut, 0, 0).status;
    expect(status('receive/x succeeded')).toBe('in_progress');
    expect(status('receive/x succeeded', 'receive/y skipped')).toBe('completed');
  });

  test('is not held up by an optional step', () => {
    const withAudit = flow({ steps: ['send', { step: 'audit', optional: true }] });
    expect(evaluate(stateOf('send succeeded'), withAudit, 0, 0)).toMatchObject({
      status: 'completed',
      steps_expected: 1,
    });
    expect(evaluate(stateOf('send succeeded', 'audit failed'), withAudit, 0, 0).status).toBe('failed');
  });

  test('times out by the deadline of a step that is not done, and waits on for the whole once it is', () => {
    const timed = flow({ steps: ['send', { step: 'hub', deadline: '2s' }, 'receive'], deadline: '10s' });
    expect(evaluate(stateOf('send succeeded'), timed, 1_000, 3_000)).toMatchObject({
      status: 'timed_out',
      deadline_at: 3_000,
    });
    expect(evaluate(stateOf('send succeeded', 'hub succeeded'), timed, 1_000, 3_000)).toMatchObject({
      status: 'in_progress',
      deadline_at: 11_000,
    });
  });

  test('never times out without a deadline', () => {
    expect(evaluate(stateOf('send succeeded'), flow({ steps: ['send', 'hub'] }), 0, 1e15).status).toBe(
      'in_progress',
    );
  });
});

const kept = { version: 3, late: false, created_at: 0, updated_at: 1_000 };
const summaryOf = (state: TransactionState, by: Flow = threeSteps) =>
  summarize(state, by, evaluate(state, by, 0, 0), kept);

test('steps are told in the order of the flow, then unexpected ones, with times within and between them', () => {
  const summary = summaryOf(
    stateOf(
      'audit succeeded 9',
      'receive started 6',
      'receive succeeded 8',
      'hub started 3',
      'hub succeeded 5',
      'send succeeded 1',
    ),
  );
  expect(summary.steps.map((s) => [s.step, s.duration_ms, s.queue_ms, s.expected])).toEqual([
    ['send', 0, null, true],
    ['hub', 2000, 2000, true],
    ['receive', 2000, 1000, true],
    ['audit', 0, null, false],
  ]);
  expect(summary).toMatchObject({
    status: 'completed',
    started_at: '2026-01-31T09:15:01.000000Z',
    ended_at: '2026-01-31T09:15:09.000000Z',
    duration_ms: 8000,
    last_step: 'audit',
    version: 3,
  });
});

test('a step waited since the latest end among the branches of the nearest step before it that has ended', () => {
  const { steps } = summaryOf(
    stateOf(
      'send succeeded 1',
      'send/b succeeded 3',
      'send/c started 4',
      'hub started 2',
      'receive started 7',
    ),
  );
  expect(steps.map((s) => [s.step, s.branch, s.queue_ms])).toEqual([
    ['send', '', null],
    ['send', 'b', null],
    ['send', 'c', null],
    ['hub', '', -1000],
    ['receive', '', 4000],
  ]);
});

test('what is not known is null and not 0', () => {
  const summary = summaryOf(stateOf('send succeeded 1', 'hub started 2'));
  expect(summary).toMatchObject({ ended_at: null, duration_ms: null, error_at: null });
  expect(summary.steps[1]).toMatchObject({ ended_at: null, duration_ms: null, queue_ms: 1000 });
});

test('the first error stays when a later attempt cleared the failure', () => {
  const summary = summaryOf(
    stateOf('send succeeded 1', 'hub#1 failed 2', 'hub#2 succeeded 3', 'receive succeeded 4'),
  );
  expect(summary).toMatchObject({
    status: 'completed',
    error_step: 'hub',
    error_at: '2026-01-31T09:15:02.000000Z',
  });
});

test('any logs make a summary that holds together', () => {
  fc.assert(
    fc.property(logsOfOneTransaction(), (logs) => {
      const state = logs.reduce<TransactionState | undefined>(merge, undefined);
      if (state === undefined) return;
      const summary = summaryOf(state);
      expect(summary.steps_finished).toBeLessThanOrEqual(summary.steps_expected);
      expect(summary.status === 'completed').toBe(
        summary.steps_finished === summary.steps_expected &&
          !summary.steps.some((s) => s.status === 'failed'),
      );
      if (summary.ended_at !== null) expect(summary.ended_at >= summary.started_at).toBe(true);
      expect(summary.last_event_at >= summary.started_at).toBe(true);
    }),
  );
});

describe('of two summaries of a transaction the true one', () => {
  const at = { version: 3, late: false, created_at: 5_000, updated_at: 9_000 };
  const summaryOf = (kept: Partial<typeof at>) => {
    const state = stateOf('send succeeded');
    return summarize(state, threeSteps, evaluate(state, threeSteps, 0, 0), { ...at, ...kept });
  };
  const remembered = summaryOf({});

  test.each([
    ['is the one that was begun earlier', summaryOf({ created_at: 4_999, version: 1 }), 'stored'],
    ['is not the one that was begun later', summaryOf({ created_at: 5_001, version: 9 }), 'remembered'],
    ['is what Redis remembers, of one beginning', summaryOf({ version: 2 }), 'remembered'],
    ['is so also after a failover took revisions back', summaryOf({ version: 4 }), 'remembered'],
  ])('%s', (_which, stored, which) => {
    expect(trueOf(remembered, stored)).toBe(which === 'stored' ? stored : remembered);
  });

  test('is the one that there is', () => {
    expect(trueOf(remembered, undefined)).toBe(remembered);
    expect(trueOf(undefined, remembered)).toBe(remembered);
    expect(trueOf(undefined, undefined)).toBeUndefined();
  });
});
