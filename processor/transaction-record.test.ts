import fc from 'fast-check';
import * as v from 'valibot';
import { describe, expect, test } from 'vitest';
import { createFlowFinder, flowsEntries } from '../common/flow.ts';
import type { MergeLog } from '../common/merge.ts';
import { STATUSES } from '../common/tracking-log.ts';
import { applyDeadline, applyLogs } from './transaction-record.ts';
import type { Change, TransactionRecord } from './transaction-record.ts';

const HOUR = 3_600_000;
const START = 1_769_850_000_000;
const flows = v.object(flowsEntries);
const findFlow = createFlowFinder(
  v.parse(flows, {
    flows: [
      {
        interface: 'order',
        steps: ['send', { step: 'hub', deadline: '10m' }, 'receive'],
        deadline: '1h',
      },
    ],
  }),
);

function log(step: string, status: MergeLog['status'] = 'succeeded', id = step): MergeLog {
  return {
    transaction_id: 'T1',
    interface_id: 'order',
    step,
    status,
    event_time: '2026-01-31T09:15:00Z',
    event_id: id,
  };
}

/** As the processor does it: batch by batch, deadlines passing in between. */
function weave(batches: readonly (readonly { log: MergeLog; at: number }[])[]): Change | undefined {
  let record: TransactionRecord | undefined;
  let last: Change | undefined;
  const keep = (change: Change | undefined) => {
    last = change ?? last;
    record = change?.record ?? record;
  };
  for (const batch of batches) {
    const arrived = { logs: batch.map((item) => item.log), at: batch.map((item) => item.at) };
    keep(applyLogs(record, arrived, findFlow));
    const end = batch.at(-1)?.at;
    if (record !== undefined && end !== undefined) keep(applyDeadline(record, findFlow, end));
  }
  return last;
}

describe('a transaction that logs are applied to', () => {
  test('tells with each revision what it was in the one before', () => {
    const batches = [
      { log: log('send'), at: START },
      { log: log('hub', 'failed'), at: START + 1 },
      { log: log('hub', 'succeeded', 'zzz'), at: START + 2 },
      { log: log('receive'), at: START + 3 },
    ];
    const told = batches.map((_, index) => weave(batches.slice(0, index + 1).map((item) => [item])));
    expect(told.map((change) => [change?.was, change?.summary.status])).toEqual([
      ['', 'in_progress'],
      ['in_progress', 'failed'],
      ['failed', 'in_progress'],
      ['in_progress', 'completed'],
    ]);
  });

  test('is late for good once a log came after a deadline, also when all came in one batch', () => {
    const arrived = [
      { log: log('send'), at: START },
      { log: log('hub'), at: START + 1000 },
      { log: log('receive'), at: START + HOUR },
    ];
    expect(weave([arrived])?.summary).toMatchObject({ status: 'completed', late: true });
    expect(weave(arrived.map((item) => [item]))?.summary).toMatchObject({ status: 'completed', late: true });
  });

  test('is not late when its last log came a millisecond before the deadline', () => {
    const arrived = [
      { log: log('hub'), at: START },
      { log: log('send'), at: START },
      { log: log('receive'), at: START + HOUR - 1 },
    ];
    expect(weave([arrived])?.summary).toMatchObject({ status: 'completed', late: false });
  });

  test("is late when a step missed its own deadline, and in time again in the whole's eyes", () => {
    const arrived = [
      { log: log('send'), at: START },
      { log: log('hub'), at: START + 10 * 60_000 },
    ];
    expect(weave([arrived])?.summary).toMatchObject({ status: 'in_progress', late: true });
  });

  test('ends the same, and as late, however its logs were batched', () => {
    const arrival = fc.record({
      step: fc.constantFrom('send', 'hub', 'receive', 'extra'),
      status: fc.constantFrom(...STATUSES),
      id: fc.integer({ min: 1, max: 4 }),
      pause: fc.constantFrom(0, 1000, 9 * 60_000, 10 * 60_000, HOUR - 1, HOUR),
      /** Whether a batch begins here. */
      cut: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(arrival, { minLength: 1, maxLength: 12 }), (arrivals) => {
        let at = START;
        const batches: { log: MergeLog; at: number }[][] = [[]];
        for (const { step, status, id, pause, cut } of arrivals) {
          at += pause;
          if (cut) batches.push([]);
          batches.at(-1)?.push({ log: log(step, status, `${step}-${id}`), at });
        }
        const {
          version: _a,
          updated_at: _b,
          ...batched
        } = weave(batches.filter((b) => b.length > 0))!.summary;
        const {
          version: _c,
          updated_at: _d,
          ...single
        } = weave(batches.flat().map((item) => [item]))!.summary;
        expect(batched).toEqual(single);
      }),
      { numRuns: 500 },
    );
  });

  test('changes nothing when its logs are known already', () => {
    const { record } = applyLogs(undefined, { logs: [log('send')], at: [START] }, findFlow)!;
    expect(
      applyLogs(record, { logs: [log('send'), log('send')], at: [START + 1, START + 2] }, findFlow),
    ).toBe(undefined);
  });
});
