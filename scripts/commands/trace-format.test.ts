import { expect, test } from 'vitest';
import { evaluate } from '../../common/evaluate.ts';
import { merge } from '../../common/merge.ts';
import type { MergeLog } from '../../common/merge.ts';
import { summarize } from '../../common/summary.ts';
import type { TransactionState } from '../../common/transaction-state.ts';
import { formatTrace } from './trace-format.ts';

const flow = {
  steps: ['send', 'hub', 'receive'].map((step) => ({ step, optional: false })),
  deadline: 3_600_000,
};
const at = (time: string) => `2026-01-31T${time}Z`;

function traceOf(logs: Omit<MergeLog, 'transaction_id' | 'event_id'>[], zone: string): string {
  let state: TransactionState | undefined;
  logs.forEach((log, index) => {
    state = merge(state, { transaction_id: 'T1', event_id: `e${index}`, ...log });
  });
  const kept = { version: 1, late: false, created_at: Date.UTC(2026, 0, 31, 9, 15), updated_at: 0 };
  return formatTrace(
    summarize(state!, flow, evaluate(state!, flow, kept.created_at, kept.created_at), kept),
    zone,
  );
}

test('a failed transaction shows where and why, each step with its place in time, and the zone of every time', () => {
  const text = traceOf(
    [
      {
        step: 'send',
        status: 'succeeded',
        event_time: at('09:15:00.000000'),
        interface_id: 'order',
        node: 'eai-1',
      },
      { step: 'hub', status: 'started', event_time: at('09:15:01.000000') },
      {
        step: 'hub',
        status: 'failed',
        event_time: at('09:15:04.000000'),
        error_code: 'E1',
        error_message: '연결 거부\n',
      },
    ],
    'Asia/Seoul',
  );
  expect(text).toBe(
    [
      'transaction  T1',
      'status       failed in 4s, 1 of 3 steps',
      'interface    order',
      'started      2026-01-31 18:15:00.000 +09:00',
      'ended        2026-01-31 18:15:04.000 +09:00',
      'first error  hub at 2026-01-31 18:15:04.000 +09:00: E1 연결 거부 ',
      '',
      'step  status     try  started                         waited  took  timeline                          node   error',
      'send  succeeded  1    2026-01-31 18:15:00.000 +09:00          0ms   █·······························  eai-1',
      'hub   failed     1    2026-01-31 18:15:01.000 +09:00  1s      3s    ········✗✗✗✗✗✗✗✗✗✗✗✗✗✗✗✗✗✗✗✗✗✗✗✗         E1 연결 거부',
    ].join('\n'),
  );
});

test('a transaction on its way shows what is open and by when', () => {
  const text = traceOf([{ step: 'send', status: 'started', event_time: at('09:15:00.123456') }], 'UTC');
  expect(text).toContain('in progress, 0 of 3 steps');
  expect(text).toContain('deadline     2026-01-31 10:15:00.000 UTC');
  expect(text).toMatch(/send +started +1 +2026-01-31 09:15:00\.123 UTC +… +…/);
});
