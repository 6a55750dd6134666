import fc from 'fast-check';
import { expect, test } from 'vitest';
import { JSON_OBJECTS_MAX, parseExactJson, TooManyObjectsError } from './exact-json.ts';

test.each([
  ['9007199254740991', 9_007_199_254_740_991],
  ['9007199254740993', '9007199254740993'],
  ['-9007199254740993', '-9007199254740993'],
  ['12345678901234567890.123', '12345678901234567890.123'],
  ['1e400', '1e400'],
  ['-1E+22', '-1E+22'],
  ['0.1234567890123456789', 0.123_456_789_012_345_68],
  ['1769850900123', 1_769_850_900_123],
])('the number %s', (number, expected) => {
  expect(parseExactJson(`{"a":{"b":[1,${number}]},"c":"x"}`)).toEqual({ a: { b: [1, expected] }, c: 'x' });
  expect(parseExactJson(number)).toBe(expected);
});

test('digits in texts and keys are left alone, whatever is escaped around them', () => {
  const text =
    '{"12345678901234567890\\"":"\\\\","k\\\\":"\\"12345678901234567890","n":12345678901234567890}';
  expect(parseExactJson(text)).toEqual({
    '12345678901234567890"': '\\',
    'k\\': '"12345678901234567890',
    n: '12345678901234567890',
  });
});

test('a number deeper than any stack is kept all the same', () => {
  const depth = 5000;
  const text = `${'['.repeat(depth)}12345678901234567890${']'.repeat(depth)}`;
  let value = parseExactJson(text);
  for (let level = 0; level < depth; level += 1) [value] = value as [unknown];
  expect(value).toBe('12345678901234567890');
});

test('everything else is what JSON.parse says', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.boolean(), (value, large) => {
      const text = JSON.stringify(large ? [value, 1e300] : value);
      const parsed: unknown = JSON.parse(text, (_, part: unknown) =>
        typeof part === 'number' && Math.abs(part) > Number.MAX_SAFE_INTEGER ? String(part) : part,
      );
      expect(JSON.stringify(parseExactJson(text))).toBe(JSON.stringify(parsed));
    }),
    { numRuns: 1000 },
  );
});

test.each(['', '{', '[1,]', '{"a":01}', 'NaN', '12345678901234567890x'])('%s is refused', (text) => {
  expect(() => parseExactJson(text)).toThrow(SyntaxError);
});

test('a text of more objects and lists than may be is refused before it is parsed; brackets in texts are none', () => {
  const many = JSON_OBJECTS_MAX + 1;
  for (const text of ['['.repeat(many), `[${'[],'.repeat(many)}0]`, `{"a":"","b":[${'{},'.repeat(many)}`]) {
    expect(() => parseExactJson(text)).toThrow(TooManyObjectsError);
  }
  const quoted = `["${'\\"[{'.repeat(many)}"]`;
  expect((parseExactJson(quoted) as string[])[0]).toHaveLength(3 * many);
  expect(parseExactJson(`[${'[],'.repeat(JSON_OBJECTS_MAX - 2)}[]]`)).toHaveLength(JSON_OBJECTS_MAX - 1);
  expect(() => parseExactJson(`"${'['.repeat(many)}`)).toThrow(SyntaxError);
});
