import fc from 'fast-check';
import * as v from 'valibot';
import type { SummaryRow } from '../../common/summary-row.ts';
import { timestampFromMillis } from '../../common/timestamp.ts';
import { insightSchema } from './config.ts';
import { definitionOf } from './definition.ts';
import type { Definition } from './definition.ts';

/** For tests: insights, revisions at random, and what comes of them when everything is computed at once. */

export const T0 = Date.UTC(2026, 2, 2, 0, 0);
const HOUR = 3_600_000;

/** As a config has it. */
export const INSIGHT = {
  name: 'orders',
  where: { interface_id: 'market', status: ['completed', 'timed_out'] },
  group_by: ['key.customer', 'key.region'],
  window: { size: '1h', zone: 'Asia/Seoul' },
  measures: {
    orders: 'count',
    revenue: { sum: 'key.amount', scale: 2 },
    average: { avg: 'key.amount', scale: 2 },
    smallest: { min: 'key.amount', scale: 2 },
    largest: { max: 'key.amount', scale: 2 },
    median: { quantile: 'key.amount', at: 0.5, scale: 2 },
    items: { distinct: 'key.item' },
    with_item: { count: 'key.item' },
  },
};

export function aDefinition(more: object = {}): Definition {
  return definitionOf(v.parse(insightSchema, { ...INSIGHT, ...more }));
}

/** A revision as it travels. */
export function aRevision(row: Omit<Partial<SummaryRow>, 'created_at'> & { created?: number }): SummaryRow {
  const { created = T0, ...given } = row;
  return {
    transaction_id: 'T-1',
    interface_id: 'market',
    status: 'completed',
    started_at: timestampFromMillis(T0),
    version: 1,
    business_keys: {},
    ...given,
    created_at: timestampFromMillis(created),
  };
}

const amounts = ['10', '12.50', '99999999999.99', '0', '-3.1', 'abc', '1.234', ''];
const oneOf = <T>(...values: T[]) => fc.constantFrom(...values);

/** Transactions with all their revisions, in their order: they change status, move to other groups and hours, and a few begin anew. */
export const revisionsArbitrary: fc.Arbitrary<SummaryRow[]> = fc
  .array(
    fc.array(
      fc.record({
        status: oneOf('in_progress', 'completed', 'failed', 'timed_out'),
        hour: fc.integer({ min: 0, max: 3 }),
        customer: oneOf('C-1', 'C|2', '@C'),
        region: oneOf('Seoul', ''),
        amount: oneOf(...amounts),
        item: oneOf('apple', 'pear', ''),
        restarted: fc.boolean(),
      }),
      { minLength: 1, maxLength: 4 },
    ),
    { minLength: 1, maxLength: 12 },
  )
  .map((transactions) =>
    transactions.flatMap((revisions, id) =>
      revisions.map(({ status, hour, customer, region, amount, item, restarted }, index) =>
        aRevision({
          transaction_id: `T-${id}`,
          status: status as NonNullable<SummaryRow['status']>,
          started_at: timestampFromMillis(T0 + hour * HOUR + id),
          version: index + 1,
          created: T0 + (restarted ? 1 : 0),
          business_keys: { customer, region, amount, item },
        }),
      ),
    ),
  );

export interface PlainRow {
  transactions: number;
  orders: number;
  revenue: string;
  average: string | null;
  smallest: string | null;
  largest: string | null;
  median: string | null;
  items: number;
  with_item: number;
  unusable: number;
}

/** The same by the newest revisions alone, with other means: `hour customer region` → row. */
export function plainly(rows: readonly SummaryRow[]): Map<string, PlainRow> {
  const newest = new Map<string, SummaryRow>();
  for (const row of rows) {
    const id = row.transaction_id ?? '';
    const known = newest.get(id);
    const isNewer =
      known === undefined ||
      (row.created_at ?? '') < (known.created_at ?? '') ||
      (row.created_at === known.created_at && (row.version ?? 0) >= (known.version ?? 0));
    if (isNewer) newest.set(id, row);
  }
  const groups = new Map<string, SummaryRow[]>();
  for (const row of newest.values()) {
    if (row.status !== 'completed' && row.status !== 'timed_out') continue;
    const { customer, region } = row.business_keys ?? {};
    const key = JSON.stringify([row.started_at?.slice(0, 13), customer, region]);
    groups.set(key, [...(groups.get(key) ?? []), row]);
  }
  return new Map([...groups].map(([key, members]) => [key, plainRow(members)]));
}

function plainRow(members: readonly SummaryRow[]): PlainRow {
  const given = members.map((row) => row.business_keys?.['amount'] ?? '').filter((text) => text !== '');
  const usable = given.filter((text) => text !== 'abc' && text !== '1.234');
  // Hundredths, which are exact as numbers here.
  const cents = usable.map((text) => Math.round(Number(text) * 100)).sort((a, b) => a - b);
  const text = (value: number | undefined) => (value === undefined ? null : centsText(value));
  const sum = cents.reduce((total, value) => total + value, 0);
  const items = members.map((row) => row.business_keys?.['item'] ?? '').filter((item) => item !== '');
  return {
    transactions: members.length,
    orders: members.length,
    revenue: centsText(sum),
    average: cents.length === 0 ? null : centsText(Math.sign(sum) * Math.round(Math.abs(sum) / cents.length)),
    smallest: text(cents[0]),
    largest: text(cents.at(-1)),
    median: text(cents[Math.ceil(cents.length / 2) - 1]),
    items: new Set(items).size,
    with_item: items.length,
    unusable: given.length - usable.length,
  };
}

function centsText(cents: number): string {
  const digits = String(Math.abs(cents)).padStart(3, '0');
  return `${cents < 0 ? '-' : ''}${digits.slice(0, -2)}.${digits.slice(-2)}`;
}
