import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { splitRow } from './delimited-row.ts';

const csv = { delimiter: ',', quote: '"', trim: true };

test.each([
  ['a,b', ['a', 'b']],
  ['', ['']],
  [',', ['', '']],
  [' a , "b " ', ['a', 'b ']],
  ['"a,b","c""d"', ['a,b', 'c"d']],
  ['"",""', ['', '']],
  ['"a\r\nb",c', ['a\r\nb', 'c']],
  ['5" disk,"5"" disk"', ['5" disk', '5" disk']],
  ['"a"b,c', 'has something behind the closing quote of field 1'],
  ['a,"b', 'has a quote in field 2 that is not closed'],
  ['"', 'has a quote in field 1 that is not closed'],
])('%j', (text, expected) => {
  expect(splitRow(text, csv)).toEqual(expected);
});

test('delimiters may have several characters, be spaces, or stand where a quote means nothing', () => {
  expect(splitRow('a||"b||c"||', { ...csv, delimiter: '||' })).toEqual(['a', 'b||c', '']);
  expect(splitRow('a\t"b\tc"\t', { ...csv, delimiter: '\t' })).toEqual(['a', 'b\tc', '']);
  expect(splitRow('"a b" c', { ...csv, delimiter: ' ' })).toEqual(['a b', 'c']);
  expect(splitRow('"a|b"', { delimiter: '|', quote: false, trim: false })).toEqual(['"a', 'b"']);
});

test('reads what csv-parse reads', () => {
  const field = fc.string({ unit: fc.constantFrom('a', '"', ',', ' ', '\n', '한', '') });
  fc.assert(
    fc.property(fc.array(field, { minLength: 1, maxLength: 6 }), (fields) => {
      const text = fields.map((text) => `"${text.replaceAll('"', '""')}"`).join(',');
      const [expected] = parse(text, { record_delimiter: '\0' });
      expect(splitRow(text, { ...csv, trim: false })).toEqual(expected);
    }),
    { numRuns: 1000 },
  );
});
