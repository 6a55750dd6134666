import * as v from 'valibot';
import { describe, expect, test } from 'vitest';
import { createDecoder, decoderSchema } from './registry.ts';

function decode(text: string, config: object = {}) {
  const decoder = createDecoder(v.parse(decoderSchema, { type: 'key-value', ...config }));
  const decoded = decoder.decode({ bytes: Buffer.from(text), event_id: 'e', meta: {} });
  return 'fields' in decoded ? Object.fromEntries(Object.entries(decoded.fields[0]!)) : decoded.error;
}

describe('pairs', () => {
  test.each([
    ['a=1 b=2', { a: '1', b: '2' }],
    ['  a=1\t\tb=  c=3 ', { a: '1', b: '', c: '3' }],
    [String.raw`msg="sent to \"hub\"\n" x=""`, { msg: 'sent to "hub"\n', x: '' }],
    [String.raw`path="C:\data\new" q="a ""b"" c"`, { path: String.raw`C:\data` + '\new', q: 'a "b" c' }],
    ['a=b=c d==', { a: 'b=c', d: '=' }],
    ['a=1 a=2 a=3', { a: ['1', '2', '3'] }],
    ['INFO sent a=1 to hub', { text: 'INFO sent to hub', a: '1' }],
    ['"the key"="the value"', { 'the key': 'the value' }],
    ['__proto__=1 constructor=2', { ['__proto__']: '1', constructor: '2' }],
    ['a="1', 'has a quote at character 3 that is not closed'],
    ['a="1"b=2', 'has something behind the quote at character 5'],
    ['=1', 'has a value without a key at character 1'],
    ['', 'has no pairs'],
    ['   ', 'has no pairs'],
  ])('%s', (text, expected) => {
    const answer = decode(text);
    expect(answer).toEqual(expected);
    if (typeof expected !== 'string')
      expect(Object.keys(answer).sort()).toEqual(Object.keys(expected).sort());
  });

  test('with separators of their own', () => {
    expect(decode('a: 1; b : x;y ;c:', { pair_separator: ';', key_separator: ':', bare: 'flag' })).toEqual({
      a: '1',
      b: 'x',
      y: 'true',
      c: '',
    });
    expect(decode('a=>1||b=>"x||y"||', { pair_separator: '||', key_separator: '=>' })).toEqual({
      a: '1',
      b: 'x||y',
    });
    expect(decode('a=\'x y\' b="z"', { quotes: "'" })).toEqual({ a: 'x y', b: '"z"' });
    expect(decode('a="x y"', { quotes: '' })).toEqual({ a: '"x', text: 'y"' });
  });

  test('words that are none are told, flags, or a text', () => {
    expect(decode('debug a=1', { bare: 'refuse' })).toBe('has "debug", which is no pair');
    expect(decode('debug a=1', { bare: 'flag' })).toEqual({ debug: 'true', a: '1' });
  });

  test('a megabyte of what is no pair takes no time to speak of', () => {
    expect(Object.keys(decode('a;'.repeat(500_000), { pair_separator: ';' }))).toEqual(['text']);
    expect(decode('a="'.repeat(300_000))).toMatch(/^has /);
    expect(decode(`a="${'\\'.repeat(1_000_000)}`)).toMatch(/not closed$/);
  });
});

test('separators that cannot be told apart are refused', () => {
  const problem = (config: object) =>
    v.safeParse(decoderSchema, { type: 'key-value', ...config }).issues?.map((issue) => issue.message);
  expect(problem({ key_separator: ' ' })).toEqual(['has the same `pair_separator` and `key_separator`']);
  expect(problem({ quotes: '=' })).toEqual(['has a quote that is part of a separator']);
});
