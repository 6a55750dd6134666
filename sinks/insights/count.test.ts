import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { SummaryRow } from '../../common/summary-row.ts';
import { timestampFromMillis } from '../../common/timestamp.ts';
import { groupValues, millisOf } from './contribution.ts';
import { countRevision, othersOf, seenBy } from './count.ts';
import type { Definition } from './definition.ts';
import { aDefinition, aRevision, plainly, revisionsArbitrary, T0 } from './fixture.ts';
import { measured, overBound, unusable } from './measures.ts';
import { addPartials, emptyPartial } from './partial.ts';
import { emptyState, valuesKey } from './partition-state.ts';
import type { PartitionState } from './partition-state.ts';

const HOUR = 3_600_000;

function count(
  definition: Definition,
  state: PartitionState,
  row: SummaryRow,
  at = T0 + HOUR,
  was?: 'completed',
) {
  const revision = { created: millisOf(row.created_at ?? ''), version: row.version ?? 0 };
  countRevision(definition, state, seenBy(definition, row, revision, at, was));
}

/** Rows of all partitions together, by what plainly names them by. */
function combined(definition: Definition, states: readonly PartitionState[]) {
  const rows = new Map<string, object>();
  const windows = new Set(states.flatMap((state) => [...state.partials.keys()]));
  for (const window of windows) {
    const groups = new Set(states.flatMap((state) => [...(state.partials.get(window)?.keys() ?? [])]));
    for (const group of groups) {
      const partial = states
        .flatMap((state) => state.partials.get(window)?.get(group) ?? [])
        .reduce(addPartials, emptyPartial(definition.inputs));
      const counts = new Map(
        definition.inputs.map((_, input) => {
          const sums = new Map<string, number>();
          for (const state of states) {
            for (const [value, n] of state.values.get(valuesKey(window, input, group))?.counts ?? [])
              if (n !== 0) sums.set(value, (sums.get(value) ?? 0) + n);
          }
          return [input, sums];
        }),
      );
      if (partial.transactions === 0) continue;
      const hour = timestampFromMillis(window).slice(0, 13);
      rows.set(JSON.stringify([hour, ...groupValues(group)]), {
        transactions: partial.transactions,
        ...measured(definition, { partial, counts }),
        unusable: unusable(definition, { partial, counts })['revenue'] ?? 0,
      });
    }
  }
  return rows;
}

const sorted = (rows: ReadonlyMap<string, object>) => [...rows].sort(([a], [b]) => (a < b ? -1 : 1));

test('any order, repetition and split into partitions gives what the newest revisions give', () => {
  const definition = aDefinition();
  const scenario = revisionsArbitrary.chain((rows) =>
    fc.tuple(
      fc.constant(rows),
      fc.shuffledSubarray(
        rows.flatMap((row) => [row, row]),
        { minLength: rows.length },
      ),
      fc.integer({ min: 1, max: 3 }),
    ),
  );
  fc.assert(
    fc.property(scenario, ([rows, some, partitions]) => {
      const states = Array.from({ length: partitions }, emptyState);
      // Some of them twice and some only later: in the end each has come.
      for (const row of [...some, ...rows.toReversed(), ...some]) {
        count(definition, states[Number(row.transaction_id?.slice(2)) % partitions]!, row);
      }
      expect(sorted(combined(definition, states))).toEqual(sorted(plainly(rows)));
    }),
    { numRuns: 500 },
  );
});

test('in the order of the stream it is exact also where a transaction changes what it is of', () => {
  const definition = aDefinition();
  const interfaces = fc.array(fc.constantFrom('market', 'other'), { minLength: 48, maxLength: 48 });
  fc.assert(
    fc.property(revisionsArbitrary, interfaces, (rows, names) => {
      const state = emptyState();
      // One transaction is never begun anew here: the order of its versions is that of the stream.
      const named = rows.map((row, index) => ({
        ...row,
        created_at: timestampFromMillis(T0),
        interface_id: names[index] ?? '',
      }));
      for (const row of [...named, ...named]) count(definition, state, row);
      const newest = new Map(named.map((row) => [row.transaction_id, row]));
      const ours = [...newest.values()].filter((row) => row.interface_id === 'market');
      expect(sorted(combined(definition, [state]))).toEqual(sorted(plainly(ours)));
    }),
    { numRuns: 300 },
  );
});

test('nothing is left of what was taken out again', () => {
  const definition = aDefinition();
  const state = emptyState();
  const keys = { customer: 'C-1', region: 'Seoul', amount: '12.50', item: 'apple' };
  count(definition, state, aRevision({ business_keys: keys }));
  expect([...state.partials.get(T0)!.keys()]).toEqual(['C-1|Seoul']);
  count(definition, state, aRevision({ business_keys: keys, status: 'failed', version: 2 }));
  expect([...state.partials.get(T0)!.values()]).toEqual([undefined]);
  expect([...state.values.values()].map(({ size }) => size)).toEqual([0, 0]);
  expect(state.groupCounts.get(T0)).toBe(0);
});

test('what comes for a closed window is late and changes no number; a transaction that moves there leaves its open one', () => {
  const definition = aDefinition();
  const state = emptyState();
  state.closed.add(T0);
  const later = timestampFromMillis(T0 + HOUR);
  count(definition, state, aRevision({ transaction_id: 'new' }));
  count(definition, state, aRevision({ transaction_id: 'moves', started_at: later }));
  count(definition, state, aRevision({ transaction_id: 'moves', version: 2 }));
  count(
    definition,
    state,
    aRevision({ transaction_id: 'left', status: 'failed', version: 2 }),
    T0,
    'completed',
  );
  count(definition, state, aRevision({ transaction_id: 'never', status: 'failed', version: 2 }), T0);
  expect(state.losses.get(T0)).toEqual({ late: 3, leftOut: 0 });
  expect(combined(definition, [state])).toEqual(new Map());
  // Further back than the history nothing is known of closed windows.
  count(definition, state, aRevision({ started_at: timestampFromMillis(T0 - HOUR) }), T0 + 91 * 24 * HOUR);
  expect(state.losses.get(T0 - HOUR)).toEqual({ late: 1, leftOut: 0 });
});

test('a revision is late once, also when it was in the same window before', () => {
  const definition = aDefinition();
  const state = emptyState();
  count(definition, state, aRevision({}));
  state.closed.add(T0);
  count(definition, state, aRevision({ version: 2 }));
  count(definition, state, aRevision({ version: 2 }));
  expect(state.losses.get(T0)?.late).toBe(2);
  expect(combined(definition, [state]).size).toBe(1);
});

test('what is over a bound is counted as that, and counts again once there is room', () => {
  const definition = aDefinition({ bounds: { values: 2, groups: 1, transactions: 4 } });
  const state = emptyState();
  const row = (id: number, amount: string, customer = 'C-1', more: Partial<SummaryRow> = {}) =>
    aRevision({ transaction_id: `T-${id}`, business_keys: { customer, region: '', amount }, ...more });
  for (const [id, amount] of [
    [1, '5'],
    [2, '7'],
    [3, '9'],
  ] as const)
    count(definition, state, row(id, amount));
  const look = (group = 'C-1|') => {
    const partial = state.partials.get(T0)?.get(group) ?? emptyPartial(definition.inputs);
    const counts = new Map([
      [0, new Map([...state.values.get(valuesKey(T0, 0, group))!.counts].filter(([, n]) => n > 0))],
    ]);
    const { revenue, largest } = measured(definition, { partial, counts });
    return { revenue, largest, over: overBound(definition, { partial, counts }) };
  };
  expect(look()).toEqual({ revenue: '21.00', largest: '7.00', over: { smallest: 1, largest: 1, median: 1 } });
  count(definition, state, row(4, '1', 'C-2'));
  expect(look(othersOf(definition)).revenue).toBe('1.00');
  count(definition, state, row(5, '1'));
  expect(state.losses.get(T0)).toEqual({ late: 0, leftOut: 1 });
  count(definition, state, row(1, '5', 'C-1', { status: 'failed', version: 2 }));
  count(definition, state, row(3, '9.5', 'C-1', { version: 2 }));
  expect(look()).toEqual({ revenue: '16.50', largest: '9.50', over: {} });
});
