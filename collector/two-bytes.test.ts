import { expect, test } from 'vitest';
import { createCharset } from './charset.ts';
import { pairsIn } from './two-bytes.ts';

const every = Array.from({ length: 256 }, (_, byte) => byte);
const high = every.filter((byte) => byte >= 0x80);

test.each(['shift_jis', 'cp949', 'gbk', 'gb18030', 'big5', 'big5-hkscs'])(
  'two bytes are one character in %s if its table has them, and the first is none by itself',
  (name) => {
    const charset = createCharset(name);
    const isPair = pairsIn(charset, every)!;
    const hex = (test: (first: number, second: number) => boolean) =>
      high.flatMap((first) =>
        every.flatMap((second) => (test(first, second) ? [(first * 256 + second).toString(16)] : [])),
      );
    const whole = new Set(high.filter((first) => charset.decode(Buffer.of(first)) !== undefined));
    const expected = hex(
      (first, second) => !whole.has(first) && charset.decode(Buffer.of(first, second)) !== undefined,
    );
    expect(hex(isPair)).toEqual(expected);
    expect(expected.length).toBeGreaterThan(5000);
  },
);

test.each([
  ['shift_jis', '|', true],
  ['shift_jis', ',', false],
  ['cp949', 'a', true],
  ['cp949', '|', false],
  ['big5', '|', true],
  ['gbk', '|', true],
  ['euc-jp', '|', false],
  ['utf-8', '|', false],
  ['latin1', '|', false],
  ['windows-1252', '|', false],
])('%s has characters that end in %s: %s', (name, sought, expected) => {
  expect(pairsIn(createCharset(name), [...Buffer.from(sought)]) !== undefined).toBe(expected);
});
