import fc from 'fast-check';
import { expect, test } from 'vitest';
import { binOf, quantileOf, RELATIVE_ERROR } from './histogram.ts';
import { createSlidingWindow } from './sliding-window.ts';

test('a quantile is within its error of the value that has the rank', () => {
  const durations = fc.array(fc.double({ min: 1.01, max: 1e8, noNaN: true }), {
    minLength: 1,
    maxLength: 200,
  });
  fc.assert(
    fc.property(durations, fc.double({ min: 0.5, max: 0.999, noNaN: true }), (values, q) => {
      const bins = new Map<number, number>();
      for (const value of values) bins.set(binOf(value), (bins.get(binOf(value)) ?? 0) + 1);
      const exact = values.toSorted((a, b) => a - b)[Math.ceil(q * values.length) - 1]!;
      const told = quantileOf(bins, q)!;
      expect(Math.abs(told - exact) / exact).toBeLessThanOrEqual(RELATIVE_ERROR + 1e-9);
    }),
  );
});

test('of nothing there is no quantile; what is no time at all is 0', () => {
  expect(quantileOf(new Map(), 0.95)).toBeUndefined();
  expect(quantileOf(new Map([[binOf(-5), 3]]), 0.95)).toBe(0);
});

test('a sliding window sums what a list of all buckets gives, also after something was taken off', () => {
  const change = fc.record({
    group: fc.constantFrom('a', 'b'),
    slot: fc.nat(1),
    n: fc.integer({ min: 1, max: 5 }),
    /** How many buckets ago it is taken off again, if it is. */
    back: fc.option(fc.nat(6), { nil: undefined }),
  });
  fc.assert(
    fc.property(fc.array(fc.array(change, { maxLength: 3 }), { maxLength: 20 }), (buckets) => {
      const window = createSlidingWindow(45, 10);
      // Five buckets: what is begun counts whole.
      const all: { at: number; key: string; n: number }[] = [];
      buckets.forEach((changes, index) => {
        window.advance(index * 10);
        for (const { group, slot, n, back } of changes) {
          const key = `${group}${slot}`;
          if (back === undefined) {
            window.add(group, slot, n);
            all.push({ at: index, key, n });
          } else {
            const there = all.filter(
              (one) => one.at === index - back && one.key === key && one.at > index - 5,
            );
            let left = n;
            for (const one of there) {
              const off = Math.min(one.n, left);
              one.n -= off;
              left -= off;
            }
            expect(window.takeOff((index - back) * 10, group, slot, n)).toBe(n - left);
          }
        }
        const sums = new Map<string, number>();
        for (const { at, key, n } of all)
          if (at > index - 5 && n > 0) sums.set(key, (sums.get(key) ?? 0) + n);
        const told = [...window.sums()].flatMap(([group, slots]) =>
          [...slots].map(([slot, n]) => [`${group}${slot}`, n]),
        );
        expect(new Map(told as [string, number][])).toEqual(sums);
      });
    }),
  );
});
