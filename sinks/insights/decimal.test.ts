import fc from 'fast-check';
import { expect, test } from 'vitest';
import { divideRounded, formatDecimal, parseDecimal } from './decimal.ts';

test('a number is exact however it is written', () => {
  expect(['12.5', '+12.50', ' 12.500 ', '0012.5', '-12.5', '7'].map((text) => parseDecimal(text, 2))).toEqual(
    [1250n, 1250n, 1250n, 1250n, -1250n, 700n],
  );
});

test('what is no number, is too large or has more digits than are kept is none', () => {
  const texts = ['abc', '', '1,000', '1e5', '0x10', '.5', '5.', '0.125', '1'.repeat(19), 'NaN', '１２'];
  expect(texts.map((text) => parseDecimal(text, 2)).filter((value) => value !== undefined)).toEqual([]);
});

test('what is written is read again', () => {
  fc.assert(
    fc.property(
      fc.bigInt({ min: -(10n ** 17n), max: 10n ** 17n }),
      fc.integer({ min: 0, max: 9 }),
      (value, scale) => {
        expect(parseDecimal(formatDecimal(value, scale), scale)).toBe(value);
      },
    ),
  );
});

test('halves are rounded away from zero', () => {
  expect([5n, -5n, 4n, 7n, -7n].map((value) => divideRounded(value, 2n))).toEqual([3n, -3n, 2n, 4n, -4n]);
  expect([divideRounded(10n, 3n), divideRounded(-10n, 3n), divideRounded(11n, 3n)]).toEqual([3n, -3n, 4n]);
});
