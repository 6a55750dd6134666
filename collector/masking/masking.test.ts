import fc from 'fast-check';
import * as v from 'valibot';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { inputSchema } from '../inputs/registry.ts';
import { pipelineOf } from '../main.ts';
import type { Outcome, RawRecord } from '../outcome.ts';
import { knownFinder } from './finders.ts';
import { maskPayload } from './payload-paths.ts';

const clock = { now: () => Date.UTC(2026, 0, 31), sleep: () => Promise.resolve() };
const base = { transaction_id: 'T1', step: 's', status: 'info', event_time: '2026-01-31T00:00:00Z' };

function pipelineWith(masking: string, more = '{}') {
  const config = { type: 'file', name: 'in', paths: ['x'], ...(parse(more) as object) };
  return pipelineOf(v.parse(inputSchema, { ...config, masking: parse(masking) as object }), clock);
}

function outcomeOf(masking: string, bytes: Buffer | object, more?: string): Outcome {
  const record: RawRecord = {
    bytes: Buffer.isBuffer(bytes) ? bytes : Buffer.from(JSON.stringify({ ...base, ...bytes })),
    event_id: 'f@0',
    meta: {},
  };
  return pipelineWith(masking, more).fromBytes(record)[0]!;
}

function logOf(masking: string, fields: object) {
  const outcome = outcomeOf(masking, fields);
  if (outcome.kind !== 'log') throw new Error(`is no log but ${JSON.stringify(outcome)}`);
  return outcome.log;
}

function letterOf(masking: string, bytes: Buffer | object, more?: string) {
  const outcome = outcomeOf(masking, bytes, more);
  if (outcome.kind !== 'dead_letter') throw new Error('is no dead letter');
  return { ...outcome.dead_letter, raw: Buffer.from(outcome.dead_letter.raw_base64, 'base64') };
}

describe('what is known', () => {
  test.each([
    ['resident-number', 'id 900131-1234567, 9001311234567.', ['900131-1234567', '9001311234567']],
    ['resident-number', '901331-1234567 1900131-1234567 900131-12345678', []],
    ['card', 'x4111111111111111y 5555-5555-5555-4444', ['4111111111111111', '5555-5555-5555-4444']],
    ['card', '12 4111 1111 1111 1111 123', ['4111 1111 1111 1111']],
    ['card', '4111111111111112 41111111111111111 20260131181500123', []],
    [
      'phone',
      '010-1234-5678, 02)123-4567 +82 10 1234 5678',
      ['010-1234-5678', '02)123-4567', '+82 10 1234 5678'],
    ],
    ['phone', '+1 415 555 0100; 20260131 +0900 2026-01-31', ['+1 415 555 0100']],
    ['email', 'to <hong.gil@example.com>, a@b', ['hong.gil@example.com']],
  ] as const)('%s in %s', (name, text, expected) => {
    expect(knownFinder(name)(text).map(({ start, end }) => text.slice(start, end))).toEqual(expected);
  });

  test('is looked for in time that grows with the text alone', () => {
    const hard = ['1 '.repeat(300_000), '0'.repeat(600_000), 'a.'.repeat(300_000), '+1 '.repeat(200_000)];
    for (const text of hard) for (const name of ['card', 'phone', 'email'] as const) knownFinder(name)(text);
  }, 20_000);
});

describe('a field', () => {
  test('is covered, keeps its end, or becomes a hash that joins', () => {
    const masking = `{ hash_key: 0123456789abcdef, fields: [
      { field: business_keys.name }, { field: business_keys.phone, keep_last: 4 },
      { field: business_keys.short, keep_last: 4 }, { field: attributes.account, hash: true }] }`;
    const fields = { business_keys: { name: '홍 길동', phone: '010-1234-5678', short: '123', other: 'x' } };
    const log = logOf(masking, { ...fields, attributes: { account: '42' } });
    expect(log.business_keys).toEqual({ name: '* **', phone: '***-****-5678', short: '***', other: 'x' });
    expect(log.attributes?.['account']).toMatch(/^hmac-[\w-]{22}$/);
    expect(logOf(masking, { attributes: { account: 42 } }).attributes).toEqual(log.attributes);
    const otherKey = logOf(masking.replace('0123456789abcdef', 'fedcba9876543210'), {
      attributes: { account: 42 },
    });
    expect(otherKey.attributes).not.toEqual(log.attributes);
  });

  test('is masked of standard logs as they stand, too, which otherwise go a shorter way', () => {
    const record = JSON.stringify({ ...base, business_keys: { name: 'Kim' } });
    const pipeline = pipelineWith('{ fields: [{ field: business_keys.name }] }');
    const origin = { event_id: 'f@0', meta: {} };
    expect(pipeline.fromStandardLine(Buffer.from(record), { stem: origin.event_id })).toBeUndefined();
    expect(
      pipeline.fromFields(JSON.parse(record) as object as Record<string, unknown>, origin, () =>
        Buffer.from(record),
      ),
    ).toMatchObject([{ log: { business_keys: { name: '***' } } }]);
  });
});

test('a list in the place of a map is no way around a mask: it is refused, and nothing of it is kept unmasked', () => {
  const lists = { business_keys: ['010-1234-5678'], attributes: ['010-1234-5678'] };
  for (const masking of ['{ patterns: [{ known: phone }] }', '{ fields: [{ field: attributes.0 }] }']) {
    const letter = letterOf(masking, lists);
    expect(letter.reason).toContain('business_keys must be an object of texts, not a list');
    expect(JSON.stringify(letter) + letter.raw.toString()).not.toContain('1234');
  }
});

describe('a pattern', () => {
  const masking = '{ patterns: [{ known: card, keep_last: 4 }, { pattern: "ACC-\\\\d+" }] }';

  test('is covered in texts and numbers, not in ids, and whole where a value is cut', () => {
    const long = `${'x'.repeat(4090)}4111111111111111`;
    const log = logOf(masking, {
      transaction_id: '4111111111111111',
      error_message: 'card 4111-1111-1111-1111 of ACC-77',
      attributes: { number: 4111111111111111, long },
    });
    expect(log.transaction_id).toBe('4111111111111111');
    expect(log.error_message).toBe('card ****-****-****-1111 of ***-**');
    expect(log.attributes).toEqual({ number: '************1111', long: `${'x'.repeat(4090)}******` });
  });

  test('hashes equal numbers alike, however they are written', () => {
    const hashing = '{ hash_key: 0123456789abcdef, patterns: [{ known: card, hash: true, fields: [node] }] }';
    const node = (text: string) => logOf(hashing, { node: text }).node;
    expect(node('4111-1111-1111-1111')).toBe(node('4111111111111111'));
  });
});

describe('a payload', () => {
  const cover = (text: string) => '*'.repeat(text.length);
  const masked = (payload: string, ...paths: string[]) =>
    maskPayload(
      payload,
      paths.map((path) => ({ path: path.split('.'), cover })),
    );

  test.each([
    [
      '{"a":{"b":"xy","c":1},"d":12345678901234567890}',
      ['a.b'],
      '{"a":{"b":"**","c":1},"d":"12345678901234567890"}',
    ],
    ['[{"a":"x"},{"a":["y",{"z":"zz"}]}]', ['a'], '[{"a":"*"},{"a":["*",{"z":"**"}]}]'],
    ['{"x":{"p":"1"},"y":{"q":{"p":22}}}', ['**.p'], '{"x":{"p":"*"},"y":{"q":{"p":"**"}}}'],
    ['{"x":{"p":"1"},"y":{"p":22}}', ['*.p'], '{"x":{"p":"*"},"y":{"p":"**"}}'],
    [
      '{"p":"0","o":{"a":{"p":"1"},"b":[{"p":22}]}}',
      ['**.*.p'],
      '{"p":"0","o":{"a":{"p":"*"},"b":[{"p":"**"}]}}',
    ],
    ['{"o":{"a":["xy",{"b":1}]},"c":"x"}', ['**.*'], '{"o":{"a":["**",{"b":"*"}]},"c":"*"}'],
    ['<r><p>0</p><o><a><p>1</p></a></o></r>', ['**.*.p'], '<r><p>0</p><o><a><p>*</p></a></o></r>'],
    ['{"__proto__":{"p":"1"}}', ['__proto__.p'], '{"__proto__":{"p":"*"}}'],
    ['<o><c n="a>b">R&amp;D</c><c/></o>', ['c'], '<o><c n="a>b">***</c><c/></o>'],
    ['<o><c n="a>b" m=\'x\'>R</c></o>', ['c.@n', 'c.@m'], '<o><c n="***" m=\'*\'>R</c></o>'],
    ['<p:o xmlns:p="u"><p:a><b>xy</b>z</p:a></p:o>', ['a.b'], '<p:o xmlns:p="u"><p:a><b>**</b>z</p:a></p:o>'],
    ['<o><a><b>xy</b>z</a></o>', ['a', 'a.b'], '<o><a>***</a></o>'],
    ['<o><a><b><![CDATA[xy]]></b></a><b>1</b></o>', ['**.b'], '<o><a><b>**</b></a><b>*</b></o>'],
    ['<o><a>', ['a'], undefined],
    ['txn=1', ['a'], undefined],
  ])('%s with %s covered', (payload, paths, expected) => {
    expect(masked(payload, ...paths)).toBe(expected);
  });

  test('that is neither JSON nor XML is left out, and one that is too long ends with a whole character', () => {
    expect(logOf('{ payload: [{ path: a }] }', { payload: 'a=secret' }).payload).not.toContain('secret');
    expect(logOf('{ payload_bytes_max: 5B }', { payload: '홍길동' }).payload).toBe('홍');
  });

  test('is masked or left out, whatever it is: never a throw', () => {
    fc.assert(fc.property(fc.oneof(fc.json(), fc.string()), (text) => void masked(text, '**.a', 'a.b')));
  });
});

describe('a dead letter', () => {
  const patterns = '{ patterns: [{ known: resident-number }] }';

  test('has its record, header and reason with patterns masked, in the encoding of the record', () => {
    const letter = letterOf(patterns, Buffer.from('{"who":"900131-1234567",'));
    expect(letter.raw.toString()).toBe('{"who":"******-*******",');
    expect(JSON.stringify(letter)).not.toContain('1234567');
    const latin = letterOf(patterns, Buffer.from([0xff, ...Buffer.from(' 900131-1234567 '), 0xfe]));
    expect(latin.raw).toEqual(Buffer.from([0xff, ...Buffer.from(' ******-******* '), 0xfe]));
    const wide = letterOf(patterns, Buffer.from('900131-1234567', 'utf16le'), '{ encoding: utf-16le }');
    expect(wide.raw.toString('utf16le')).toBe('******-*******');
  });

  test('has nothing of its record where fields are masked, nor what its reason quotes, unless that is wanted', () => {
    const fields = { ...base, event_time: 'secret', business_keys: { name: 'secret' } };
    const mapping =
      '{ mapping: { transaction_id: transaction_id, event_time: { field: event_time, time: yyyyMMdd } } }';
    const letter = letterOf('{ fields: [{ field: business_keys.name }] }', fields, mapping);
    expect(letter).toMatchObject({ stage: 'map', raw_base64: '', meta: { raw: 'left out' } });
    expect(letter.reason).toBe('event_time "…" is not a time of the pattern yyyyMMdd');
    const kept = letterOf(
      '{ dead_letters: patterns, fields: [{ field: business_keys.name }] }',
      fields,
      mapping,
    );
    expect(kept.raw.toString()).toContain('secret');
  });

  test('has nothing of a monitoring event, whose message is in base64', () => {
    const letter = letterOf(patterns, Buffer.from('<event>'), '{ decoder: { type: ibm-ace } }');
    expect(letter.meta).toEqual({ raw: 'left out' });
  });

  test('of the input itself, such as a record that is too long, goes the same way', () => {
    const letter = letterOf(patterns, Buffer.from('no JSON'));
    const own = pipelineWith(patterns).maskLetter({
      ...letter,
      raw_base64: Buffer.from('9001311234567').toString('base64'),
    });
    expect(Buffer.from(own.raw_base64, 'base64').toString()).toBe('*************');
  });
});

describe('mistakes', () => {
  test.each([
    ['{ fields: [{ field: step }] }', 'must be a text of the standard log'],
    ['{ fields: [{ field: node, hash: true }] }', 'needs a `hash_key` for its hashes'],
    ['{ hash_key: short }', 'must have at least 16 characters'],
    ['{ patterns: [{ known: ssn }] }', 'must be one of resident-number, card, phone, email'],
    ['{ patterns: [{}] }', 'must have exactly one of `known` and `pattern`'],
    ['{ patterns: [{ pattern: "(" }] }', 'is not a pattern'],
    ['{ payload: [{ path: a.**.b }] }', 'may have ** only before all others'],
    [
      '{ fields: [{ field: node, keep_last: 4, hash: true }], hash_key: 0123456789abcdef }',
      'must have only one of',
    ],
  ])('%s: %s', (masking, reason) => {
    const config = { type: 'file', name: 'in', paths: ['x'], masking: parse(masking) as object };
    const result = v.safeParse(inputSchema, config);
    expect(result.issues?.map(({ message }) => message).join('; ')).toContain(reason);
  });
});
