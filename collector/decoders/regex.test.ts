import * as v from 'valibot';
import { describe, expect, test } from 'vitest';
import { compileGrok } from './grok.ts';
import { GROK_PATTERNS } from './grok-patterns.ts';
import { createDecoder, decoderSchema } from './registry.ts';

function decode(text: string, patterns: string | string[], pieces?: Record<string, string>) {
  const config = { type: 'regex', patterns, ...(pieces === undefined ? {} : { pieces }) };
  const decoder = createDecoder(v.parse(decoderSchema, config));
  const decoded = decoder.decode({ bytes: Buffer.from(text), event_id: 'e', meta: {} });
  return 'fields' in decoded ? Object.fromEntries(Object.entries(decoded.fields[0]!)) : decoded.error;
}

const problems = (config: object) =>
  v
    .safeParse(decoderSchema, { type: 'regex', ...config })
    .issues?.map((issue) => `${v.getDotPath(issue) ?? ''} ${issue.message}`);

describe('records by pattern', () => {
  test('have the named groups as fields, those that found something', () => {
    expect(decode('T1|send||x', String.raw`^(?<txn>\w+)\|(?P<step>\w+)\|(?<none>\w*)\|(?<other>y)?`)).toEqual(
      {
        txn: 'T1',
        step: 'send',
      },
    );
  });

  test('take the first pattern that is found', () => {
    const patterns = ['^IN (?<txn>.*)', '^OUT (?<txn>.*) (?<code>.*)$', '(?<text>^[a-z]+$)'];
    expect(decode('OUT T1 00', patterns)).toEqual({ txn: 'T1', code: '00' });
    expect(decode('abc', patterns)).toEqual({ text: 'abc' });
    expect(decode('?', patterns)).toBe('matches none of the patterns');
    expect(decode('?', patterns[0]!)).toBe('does not match the pattern');
  });

  test('are searched in time that grows with them, whatever the pattern is', () => {
    expect(decode(`${'a'.repeat(100_000)}!`, '^(?<x>(a+)+)$')).toBe('does not match the pattern');
    expect(decode(`${'a'.repeat(100_000)}!`, '(?<x>(a|aa|a?)+)$')).toBe('does not match the pattern');
    expect(decode('x'.repeat(1_000_000), '(.*)(.*)(.*)(.*)(?<x>y)$')).toBe('does not match the pattern');
  });

  test('may have lines, Korean letters and fields with names of objects', () => {
    expect(decode('첫 줄\n둘째 줄', '(?s)^(?<first>[^\n]*)\n(?<all>.*)')).toEqual({
      first: '첫 줄',
      all: '둘째 줄',
    });
    expect(Object.keys(decode('a b', '(?<__proto__>a) (?<constructor>b)'))).toEqual([
      '__proto__',
      'constructor',
    ]);
  });
});

describe('the pieces of grok', () => {
  test.each(Object.keys(GROK_PATTERNS))('%s can be used', (name) => {
    expect(compileGrok(`%{${name}:field}`, {})).toBeTypeOf('object');
  });

  test.each([
    ['IP', '192.0.2.1', '2001:db8::1', '::', '::ffff:192.0.2.1', 'fe80::1%eth0', '1:2:3:4:5:6:7:8'],
    ['TIMESTAMP_ISO8601', '2026-01-31T18:15:00.123+09:00', '2026-01-31 18:15:00,123', '2026-01-31T09:15:00Z'],
    ['HTTPDATE', '31/Jan/2026:18:15:00 +0900'],
    ['SYSLOGTIMESTAMP', 'Jan 31 18:15:00', 'Feb  1 08:15:00'],
    ['UUID', '4f1e3c7a-9b1d-4e2f-8a3b-1c2d3e4f5a6b'],
    ['LOGLEVEL', 'INFO', 'Warning', 'error', 'SEVERE'],
    ['NUMBER', '12', '-0.5', '.5', '+1'],
    ['QS', '"a \\" b"', "'x'"],
    ['EMAILADDRESS', 'a.b+c@example.com'],
    ['URI', 'https://user:pw@example.com:8080/a/b?x=1&y=2'],
    ['PATH', '/var/log/eai.log', String.raw`C:\logs\eai.log`],
    ['MAC', '00:1a:2b:3c:4d:5e', '00-1a-2b-3c-4d-5e', '001a.2b3c.4d5e'],
    ['DATESTAMP', '31.01.2026 18:15:00', '01/31/26-18:15'],
    ['JAVACLASS', 'com.example.Order$Line'],
  ])('%s is found whole in %s', (name, ...texts) => {
    for (const text of texts) expect(decode(text, `^%{${name}:it}$`)).toEqual({ it: text });
    expect(decode('', `^%{${name}:it}$`)).toBe('does not match the pattern');
  });

  test('read what they are known for', () => {
    const line =
      '127.0.0.1 - frank [10/Oct/2000:13:55:36 -0700] "GET /apache_pb.gif HTTP/1.0" 200 2326 "http://www.example.com/start.html" "Mozilla/4.08 [en]"';
    expect(decode(line, '^%{COMBINEDAPACHELOG}$')).toEqual({
      clientip: '127.0.0.1',
      ident: '-',
      auth: 'frank',
      timestamp: '10/Oct/2000:13:55:36 -0700',
      verb: 'GET',
      request: '/apache_pb.gif',
      httpversion: '1.0',
      response: '200',
      bytes: '2326',
      referrer: '"http://www.example.com/start.html"',
      agent: '"Mozilla/4.08 [en]"',
    });
  });

  test('may have names that groups cannot have, types, and pieces of your own', () => {
    const pieces = { TXN: '[A-Z]%{INT}', PAIR: '%{WORD:pair.key}=%{NOTSPACE:pair.value}' };
    expect(decode('A12 a=b 7', '^%{TXN:order.id} %{PAIR} %{INT:n:int}', pieces)).toEqual({
      'order.id': 'A12',
      'pair.key': 'a',
      'pair.value': 'b',
      n: '7',
    });
    expect(decode('7', '%{INT:n}', { INT: '[x7]' })).toEqual({ n: '7' });
  });

  test.each([
    [
      { patterns: '(?<a>' },
      ' has a pattern that cannot be used: error parsing regexp: missing closing ): `(?<a>`',
    ],
    [
      { patterns: 'abc' },
      ' has a pattern that cannot be used: it has no named groups, so there would be no fields',
    ],
    [
      { patterns: ['(?<a>b)', '%{NOPE:a}'] },
      ' has a pattern (the 2. of 2) that cannot be used: there is no piece %{NOPE}',
    ],
    [
      { patterns: '%{A:a}', pieces: { A: 'x%{B}', B: '%{A}' } },
      ' has a pattern that cannot be used: its pieces stand in one another without an end',
    ],
    [
      {
        patterns: '%{P0:a}',
        pieces: Object.fromEntries(
          Array.from({ length: 19 }, (_, i) => [`P${i}`, i === 18 ? 'x' : `%{P${i + 1}}%{P${i + 1}}`]),
        ),
      },
      ' has a pattern that cannot be used: it is longer than 100000 characters',
    ],
  ])('mistakes are told: %j', (config, problem) => {
    expect(problems(config)).toEqual([problem]);
  });
});
