import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { merge, mergeInto, stateBefore, SUMMARY_LIMITS } from './merge.ts';
import type { MergeLog } from './merge.ts';
import { logsOfOneTransaction } from './testing/log-arbitraries.ts';
import type { TransactionState } from './transaction-state.ts';

function mergeAll(logs: readonly MergeLog[], from?: TransactionState): TransactionState | undefined {
  return logs.reduce<TransactionState | undefined>(merge, from);
}

/** States have all their fields, always in the same order. */
const text = (state: TransactionState | undefined) => JSON.stringify(state);

const shuffled = logsOfOneTransaction().chain((logs) =>
  fc.record({
    logs: fc.constant(logs),
    order: fc.shuffledSubarray(logs, { minLength: logs.length }),
    repeated: fc.array(fc.constantFrom(...logs), { maxLength: 12 }),
  }),
);

describe('merging', () => {
  test('gives the same state in every order', () => {
    fc.assert(
      fc.property(shuffled, ({ logs, order }) => {
        expect(text(mergeAll(order))).toBe(text(mergeAll(logs)));
      }),
      { numRuns: 2000 },
    );
  });

  test('gives the same state however often logs are repeated, wherever in between', () => {
    fc.assert(
      fc.property(shuffled, fc.infiniteStream(fc.nat()), ({ logs, order, repeated }, random) => {
        const mixed = [...order];
        for (const log of repeated) mixed.splice((random.next().value ?? 0) % (mixed.length + 1), 0, log);
        expect(text(mergeAll(mixed))).toBe(text(mergeAll(logs)));
      }),
      { numRuns: 2000 },
    );
  });

  test('a log that is known changes nothing, to the letter, so that no revision is published for it', () => {
    fc.assert(
      fc.property(logsOfOneTransaction(), (logs) => {
        const state = mergeAll(logs);
        for (const log of logs) expect(JSON.stringify(merge(state, log))).toBe(JSON.stringify(state));
      }),
      { numRuns: 2000 },
    );
  });

  test('in place gives the same state, and says of each log whether it changed anything', () => {
    fc.assert(
      fc.property(shuffled, ({ logs, order, repeated }) => {
        const all = [...logs, ...repeated, ...order];
        const state = stateBefore(all[0]!);
        let before: TransactionState | undefined;
        for (const log of all) {
          const merged = merge(before, log);
          expect([mergeInto(state, log), text(state)]).toEqual([
            text(merged) !== text(before ?? stateBefore(log)),
            text(merged),
          ]);
          before = merged;
        }
      }),
      { numRuns: 1000 },
    );
  });

  test('logs that wrongly share an event id still give the same state in every order', () => {
    fc.assert(
      fc.property(shuffled, ({ logs, order }) => {
        const clash = (list: readonly MergeLog[]) => list.map((log) => ({ ...log, event_id: 'same' }));
        expect(text(mergeAll(clash(order)))).toBe(text(mergeAll(clash(logs))));
      }),
      { numRuns: 2000 },
    );
  });

  test('does not change the state it is given', () => {
    fc.assert(
      fc.property(logsOfOneTransaction(), (logs) => {
        const state = mergeAll(logs.slice(0, -1));
        const before = JSON.stringify(state);
        merge(state, logs.at(-1)!);
        expect(JSON.stringify(state)).toBe(before);
      }),
    );
  });
});

const at = (second: number) => `2026-01-31T09:15:0${second}.000000Z`;
let ids = 0;
const log = (fields: Partial<MergeLog>): MergeLog => ({
  transaction_id: 'T1',
  step: 'send',
  status: 'succeeded',
  event_time: at(0),
  event_id: `id${(ids += 1)}`,
  ...fields,
});
const stepOf = (state: TransactionState | undefined) => state?.steps[0];

describe('a step', () => {
  test('that ended stays ended when its start arrives later, with a later clock', () => {
    const state = mergeAll([
      log({ status: 'succeeded', event_time: at(1) }),
      log({ status: 'started', event_time: at(2) }),
    ]);
    expect(stepOf(state)).toMatchObject({ status: 'succeeded', started_at: at(1), ended_at: at(1) });
  });

  test('that failed is cleared by a success that was not numbered but is newer', () => {
    const state = mergeAll([
      log({ status: 'succeeded', event_time: at(3) }),
      log({ status: 'failed', event_time: at(2) }),
    ]);
    expect(stepOf(state)?.status).toBe('succeeded');
    expect(state?.first_error).toMatchObject({ step: 'send', at: at(2) });
  });

  test('follows its newest attempt, even if that has only started and its clock is behind', () => {
    const state = mergeAll([
      log({ attempt: 2, status: 'started', event_time: at(1) }),
      log({ attempt: 1, status: 'failed', event_time: at(5) }),
    ]);
    expect(stepOf(state)).toMatchObject({ attempt: 2, status: 'started' });
  });

  test('that reports its duration began that much earlier', () => {
    const state = mergeAll([log({ event_time: at(5), duration_ms: 1500 })]);
    expect(stepOf(state)?.started_at).toBe('2026-01-31T09:15:03.500000Z');
    expect(state?.started_at).toBe('2026-01-31T09:15:03.500000Z');
  });

  test('is kept per branch', () => {
    const state = mergeAll([log({ branch: 'wms' }), log({ branch: 'crm', status: 'failed' })]);
    expect(state?.steps.map((s) => [s.branch, s.status])).toEqual([
      ['crm', 'failed'],
      ['wms', 'succeeded'],
    ]);
  });
});

test('an info log adds its business keys and never a state', () => {
  const state = mergeAll([log({ status: 'info', business_keys: { order: 'A-1' } })]);
  expect(state).toMatchObject({ steps: [], business_keys: [{ key: 'order', fact: { value: 'A-1' } }] });
});

test('a business key named __proto__ is a key like any other', () => {
  const keys = JSON.parse('{"__proto__":"x"}') as Record<string, string>;
  const state = mergeAll([log({ business_keys: keys })]);
  expect(state?.business_keys.map(({ key, fact }) => [key, fact.value])).toEqual([['__proto__', 'x']]);
});

test('what is cut off changes nothing more than that it was', () => {
  const keys = Array.from({ length: SUMMARY_LIMITS.keysMax }, (_, i) => [`k${10 + i}`, 'v']);
  const state = merge(undefined, log({ status: 'info', business_keys: Object.fromEntries(keys) }));
  const one = log({ status: 'info', business_keys: { z: 'v' } });
  const before = structuredClone(state);
  expect([mergeInto(state, one), mergeInto(state, one)]).toEqual([true, false]);
  expect(state).toEqual({ ...before, cut: true });
});

test('too many steps and keys are cut, the same ones in every order, and the summary says so', () => {
  const many = Array.from({ length: SUMMARY_LIMITS.stepsMax + 20 }, (_, i) =>
    log({
      step: `s${String(i).padStart(4, '0')}`,
      business_keys: { [`k${String(i).padStart(4, '0')}`]: 'v' },
    }),
  );
  const forward = mergeAll(many);
  expect(text(mergeAll(many.toReversed()))).toBe(text(forward));
  expect(forward?.steps).toHaveLength(SUMMARY_LIMITS.stepsMax);
  expect(forward?.business_keys).toHaveLength(SUMMARY_LIMITS.keysMax);
  expect(forward?.cut).toBe(true);
});
