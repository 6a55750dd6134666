import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { describeJsonFault, elementTexts, findJsonFault } from './json-text.ts';

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

describe('where a text stops being JSON', () => {
  test.each([
    ['{"a":}', "unexpected '}' at line 1, column 6"],
    ['{"a"', 'unexpected end at line 1, column 5'],
    ['', 'unexpected end at line 1, column 1'],
    ['{\n  "a": 1,\n}', "unexpected '}' at line 3, column 1"],
    ['[1, 2 3]', "unexpected '3' at line 1, column 7"],
    ["{'a': 1}", 'unexpected character "\'" at line 1, column 2'],
    ['{"a": "b\nc"}', 'unexpected character "\\n" at line 1, column 9'],
    ['{"a": 01}', "unexpected '1' at line 1, column 8"],
    ['{"a": "\\x"}', "unexpected '\\' at line 1, column 8"],
    ['{"a": nul}', "unexpected 'n' at line 1, column 7"],
    ['{"a": "unfinished', 'unexpected end at line 1, column 18'],
    ['{"a": 1} {"b": 2}', "unexpected '{' at line 1, column 10"],
    ['주문=1', "unexpected '주' at line 1, column 1"],
    ['[1]\u00a0', 'unexpected character "\u00a0" at line 1, column 4'],
    [']', "unexpected ']' at line 1, column 1"],
  ])('%j: %s', (text, words) => {
    expect(isJson(text)).toBe(false);
    expect(describeJsonFault(text)).toBe(words);
  });

  test('counts lines from where the text stands', () => {
    expect(describeJsonFault('{"a":}', 7)).toBe("unexpected '}' at line 7, column 6");
  });

  test('agrees with JSON.parse on what is JSON, whatever is put in or taken out', () => {
    const broken = fc
      .tuple(
        fc.json(),
        fc.nat(),
        fc.nat({ max: 2 }),
        fc.constantFrom('', '{', ']', ',', '"', '\\', ':', '0', '-', '.', 'e', ' ', '\n', 'true'),
      )
      .map(([text, at, cut, put]) => {
        const index = at % (text.length + 1);
        return text.slice(0, index) + put + text.slice(index + cut);
      });
    fc.assert(
      fc.property(broken, (text) => {
        const fault = findJsonFault(text);
        expect(fault === undefined).toBe(isJson(text));
        // What stands before the fault can be gone on with: no fault was reported too late.
        if (fault !== undefined) expect(findJsonFault(text.slice(0, fault))).toBeOneOf([fault, undefined]);
      }),
      { numRuns: 2000 },
    );
  });

  test('is found however deep a text is nested', () => {
    expect(findJsonFault('['.repeat(1_000_000))).toBe(1_000_000);
    expect(findJsonFault('['.repeat(500_000) + ']'.repeat(500_000))).toBeUndefined();
  });
});

describe("the texts of an array's elements", () => {
  test('are what was written, digit by digit', () => {
    const text = ' [ {"n": 12345678901234567890, "s": "],\\"[{" } ,\n[1,[2]], "a,b" , 1.50,{} ]\n';
    expect(elementTexts(text)).toEqual([
      '{"n": 12345678901234567890, "s": "],\\"[{" }',
      '[1,[2]]',
      '"a,b"',
      '1.50',
      '{}',
    ]);
    expect(elementTexts('[ ]')).toEqual([]);
  });

  test('are those that JSON.parse finds', () => {
    fc.assert(
      fc.property(fc.array(fc.jsonValue()), fc.constantFrom(0, 2), (values, indent) => {
        const parsed = JSON.parse(JSON.stringify(values)) as unknown[];
        const texts = elementTexts(JSON.stringify(values, null, indent));
        expect(texts.map((text) => JSON.parse(text) as unknown)).toEqual(parsed);
      }),
    );
  });
});
