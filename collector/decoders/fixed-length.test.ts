import * as v from 'valibot';
import { describe, expect, test } from 'vitest';
import { createCharset } from '../charset.ts';
import type { OnBadBytes } from '../charset.ts';
import { createDecoder, decoderSchema } from './registry.ts';

function decode(config: object, bytes: Buffer, encoding = 'utf-8', onBadBytes: OnBadBytes = 'dead-letter') {
  const charset = createCharset(encoding, onBadBytes);
  const checked = v.parse(decoderSchema, { type: 'fixed-length', ...config });
  const decoded = createDecoder(checked, charset).decode({ bytes, event_id: 'e', meta: {} });
  return 'fields' in decoded ? (JSON.parse(JSON.stringify(decoded.fields[0])) as unknown) : decoded.error;
}

const cp949 = (text: string) => createCharset('cp949').encode(text);
const problems = (config: object) =>
  v
    .safeParse(decoderSchema, { type: 'fixed-length', ...config })
    .issues?.map((issue) => `${v.getDotPath(issue)} ${issue.message}`);

const order = [
  { name: 'no', bytes: 6 },
  { name: 'customer', bytes: 10 },
  { bytes: 2 },
  { name: 'amount', bytes: 8 },
];

describe('records of fixed fields', () => {
  test('are cut by bytes, so that Korean letters shift nothing', () => {
    expect(decode({ fields: order }, cp949('000001홍길동    xx   12000'), 'cp949')).toEqual({
      no: '000001',
      customer: '홍길동',
      amount: '12000',
    });
  });

  test('trim as they are told, NUL characters too', () => {
    const fields = [
      { name: 'a', bytes: 4, trim: 'none' },
      { name: 'b', bytes: 4, trim: 'left' },
      { name: 'c', bytes: 4 },
    ];
    expect(decode({ fields, trim: 'right' }, Buffer.from(' a   b   c\0\0'))).toEqual({
      a: ' a  ',
      b: 'b  ',
      c: ' c',
    });
  });

  test('hold groups, in groups, as often as a number or a field says', () => {
    const fields = [
      {
        name: 'head',
        fields: [
          { name: 'id', bytes: 2 },
          { name: 'n', bytes: 1 },
        ],
      },
      { name: 'count', bytes: 2 },
      {
        name: 'items',
        times: 'count',
        fields: [
          { name: 'code', bytes: 2 },
          { name: 'prices', times: 2, fields: [{ name: 'p', bytes: 1 }] },
        ],
      },
      { name: 'end', bytes: 1 },
    ];
    expect(decode({ fields }, Buffer.from('A17 2aa12bb34Z'))).toEqual({
      head: { id: 'A1', n: '7' },
      count: '2',
      items: [
        { code: 'aa', prices: [{ p: '1' }, { p: '2' }] },
        { code: 'bb', prices: [{ p: '3' }, { p: '4' }] },
      ],
      end: 'Z',
    });
    expect(decode({ fields }, Buffer.from('A1700Z'))).toMatchObject({ items: [], end: 'Z' });
    expect(decode({ fields }, Buffer.from('A17xxZ'))).toBe(
      'has a field count that is not the number of its items: "xx"',
    );
    expect(decode({ fields }, Buffer.from('A1799aa12Z'))).toBe(
      'ends within its field code, which is bytes 10 to 11',
    );
  });

  test('with a count that has no end to it are refused at once', () => {
    const fields = [
      { name: 'n', bytes: 9 },
      { name: 'm', bytes: 1 },
      { name: 'g', times: 'n', fields: [{ name: 'h', times: 'm', fields: [{ name: 'x', bytes: 1 }] }] },
    ];
    expect(decode({ fields }, Buffer.from('9999999990z'))).toBe(
      'ends before the "999999999" g that its field n says',
    );
  });

  test('of another length are refused, padded or cut as they are told', () => {
    const fields = [
      { name: 'a', bytes: 2 },
      { name: 'b', bytes: 2 },
    ];
    expect(decode({ fields }, Buffer.from('a1b'))).toBe('has 3 bytes where its fields have 4');
    expect(decode({ fields }, Buffer.from('a1b1c'))).toBe('has 5 bytes where its fields have 4');
    expect(decode({ fields, short: 'pad' }, Buffer.from('a1b'))).toEqual({ a: 'a1', b: 'b' });
    expect(decode({ fields, short: 'pad' }, Buffer.from('a'))).toEqual({ a: 'a', b: '' });
    expect(decode({ fields, long: 'ignore' }, Buffer.from('a1b1c'))).toEqual({ a: 'a1', b: 'b1' });
  });

  test('name the field whose bytes are no text, or replace them', () => {
    const bytes = Buffer.concat([cp949('000001홍길'), Buffer.from([0xc8]), Buffer.from('     xx   12000')]);
    expect(decode({ fields: order }, bytes, 'cp949')).toBe(
      'has a field customer (bytes 7 to 16) that is not CP949',
    );
    expect(decode({ fields: order }, bytes, 'cp949', 'replace')).toMatchObject({
      customer: '홍길\uFFFD',
      amount: '12000',
    });
  });

  test('may have fields in other encodings, and names that objects have', () => {
    const fields = [
      { name: '__proto__', bytes: 4, encoding: 'cp949' },
      { name: 'toString', bytes: 3 },
    ];
    const bytes = Buffer.concat([cp949('가나'), Buffer.from('다')]);
    const decoded = createDecoder(v.parse(decoderSchema, { type: 'fixed-length', fields })).decode({
      bytes,
      event_id: 'e',
      meta: {},
    });
    expect('fields' in decoded && Object.entries(decoded.fields[0]!)).toEqual([
      ['__proto__', '가나'],
      ['toString', '다'],
    ]);
  });
});

describe('a layout with mistakes is refused by the field and in words:', () => {
  test.each([
    [[], 'fields must have at least one field'],
    [[{ name: 'a' }], 'fields.0 must have exactly one of `bytes` and `fields`'],
    [[{ name: 'a', bytes: 0 }], 'fields.0.bytes must be a whole number from 1 to 16777216'],
    [[{ fields: [{ name: 'a', bytes: 1 }] }], 'fields.0 is a group and needs a `name`'],
    [[{ name: 'a', bytes: 1, times: 2 }], 'fields.0 has `times` but is no group'],
    [
      [
        { name: 'a', bytes: 1 },
        { name: 'a', bytes: 1 },
      ],
      'fields names a field twice',
    ],
    [
      [{ name: 'g', times: 'n', fields: [{ name: 'a', bytes: 1 }] }],
      'fields has a `times` that is no field before it: n',
    ],
    [[{ name: 'g', times: 100_000, fields: [{ name: 'a', bytes: 1000 }] }], 'fields has more than 64MiB'],
    [
      [{ name: 'g', fields: [{ name: 'a', bytes: 1, encoding: 'x' }] }],
      'fields.0.fields.0.encoding is not an encoding that is known here, like utf-8, utf-16le, cp949, shift_jis or latin1',
    ],
  ])('%j', (fields, problem) => {
    expect(problems({ fields })).toEqual([problem]);
  });
});
