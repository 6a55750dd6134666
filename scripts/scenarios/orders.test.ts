import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { orderAsGiven, ordersOf } from './orders.ts';

const texts = (orders: readonly number[][]) => orders.map((order) => order.join(''));

describe('orders', () => {
  test('of logs of one moment are all that there are, the given one first', () => {
    const orders = texts(ordersOf([0, 0, 0]));
    expect(orders[0]).toBe('012');
    expect(orders.toSorted()).toEqual(['012', '021', '102', '120', '201', '210']);
  });

  test('of several moments keep the order of those, wherever the logs stand in the file', () => {
    expect(texts(ordersOf([5, 0, 5, 0])).toSorted()).toEqual(['1302', '1320', '3102', '3120']);
    expect(orderAsGiven([5, 0, 5, 0])).toEqual([1, 3, 0, 2]);
  });

  test('are every one up to six logs of one moment, and a sample of more', () => {
    expect(ordersOf(Array.from({ length: 6 }, () => 0))).toHaveLength(720);
    const sample = texts(ordersOf(Array.from({ length: 7 }, () => 0)));
    expect(sample.length).toBeGreaterThan(300);
    expect(sample.length).toBeLessThanOrEqual(720);
    expect(sample.slice(0, 2)).toEqual(['0123456', '6543210']);
  });

  test('of a sample are the same in every run', () => {
    const afters = Array.from({ length: 9 }, () => 0);
    expect(ordersOf(afters)).toEqual(ordersOf(afters));
  });

  test('hold every log once, none of a later moment before one of an earlier, and differ from one another', () => {
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 3 }), { minLength: 1, maxLength: 40 }), (afters) => {
        const orders = ordersOf(afters);
        expect(orders[0]).toEqual(orderAsGiven(afters));
        expect(new Set(orders.map((order) => order.join())).size).toBe(orders.length);
        for (const order of orders) {
          expect(order.toSorted((a, b) => a - b)).toEqual([...afters.keys()]);
          const moments = order.map((place) => afters[place]!);
          expect(moments).toEqual(moments.toSorted((a, b) => a - b));
        }
      }),
      { numRuns: 50 },
    );
  });
});
