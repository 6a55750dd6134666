import * as v from 'valibot';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { createCharset } from '../charset.ts';
import { outcomesOf } from '../inputs/ibm-mq/records.ts';
import { rfh2, RFH2_DESCRIPTOR } from '../inputs/ibm-mq/rfh2-fixture.ts';
import { inputSchema } from '../inputs/registry.ts';
import { pipelineOf } from '../main.ts';
import type { Outcome, RawRecord } from '../outcome.ts';

/** What of a record may stay in its dead letter: nothing that a mask was meant for. */

const clock = { now: () => Date.UTC(2026, 0, 31), sleep: () => Promise.resolve() };
const FIELDS = '{ fields: [{ field: business_keys.customer }] }';
const PATTERNS = '{ patterns: [{ known: phone }] }';

function pipelineWith(masking: string, more = '{}') {
  const config = { type: 'file', name: 'in', paths: ['x'], ...(parse(more) as object) };
  return pipelineOf(v.parse(inputSchema, { ...config, masking: parse(masking) as object }), clock);
}

function letterOf([outcome]: readonly Outcome[]) {
  if (outcome?.kind !== 'dead_letter') throw new Error(`is no dead letter but ${JSON.stringify(outcome)}`);
  const { raw_base64, ...said } = outcome.dead_letter;
  return { ...said, raw: Buffer.from(raw_base64, 'base64').toString() };
}

function letterFrom(masking: string, text: string, more?: string, record?: Partial<RawRecord>) {
  const bytes = Buffer.from(text);
  return letterOf(pipelineWith(masking, more).fromBytes({ bytes, event_id: 'f@0', meta: {}, ...record }));
}

describe.each([FIELDS, PATTERNS])('of an input with %s a reason', (masking) => {
  test.each([
    ['a reference', '<a>tel&01012345678</a>', '{ decoder: { type: xml } }'],
    ['a reference that is cut', '<a>tel&010-1234-5678</a>', '{ decoder: { type: xml } }'],
    ['names of elements', '<a><k01012345678></b></a>', '{ decoder: { type: xml } }'],
    ['a root', '<k01012345678/>', '{ decoder: { type: ibm-ace } }'],
    ['what stands before a fault in JSON', '{"a":["010-1234-5678",x]}', '{}'],
    ['a quote in JSON', '{"a":""010-1234-5678"}', '{}'],
    ['names of fields', '{"010-1234-5678":{},"\\"":1}', '{}'],
    ['a word that is no pair', '010-1234-5678', '{ decoder: { type: key-value, bare: refuse } }'],
    [
      'a value that is cut',
      JSON.stringify({ at: `${'x'.repeat(55)} 010-1234-5678` }),
      '{ mapping: { transaction_id: at, event_time: { field: at, time: yyyyMMdd } } }',
    ],
  ])('quotes %s, and keeps nothing of it', (_, text, more) => {
    const { reason } = letterFrom(masking, text, more);
    expect(reason).not.toMatch(/\d{4}|x{5}|010-/);
    expect(reason.length).toBeGreaterThan(20);
  });

  test('keeps nothing of a header, which may be a record', () => {
    const header = Buffer.from('010-1234-5678,x,010-1234-5678');
    const twice = letterFrom(masking, 'a,b,c', '{ decoder: { type: delimited } }', { header });
    expect(twice.reason).toBe(`the record its file's header names a column twice: "…"`);
    const other = { header: Buffer.from('010-1234-5678,x') };
    const short = letterFrom(masking, 'a', '{ decoder: { type: delimited } }', other);
    expect(short.reason).toBe('the record has 1 fields where 2 are expected ("…", "…")');
  });

  test('says what is wrong with each field still', () => {
    const text = '{"a":"secret","b":"secret \\" 2"}';
    const mapping =
      '{ mapping: { transaction_id: a, duration_ms: a, event_time: { field: b, time: yyyyMMdd } } }';
    expect(letterFrom(masking, text, mapping).reason).toBe(
      'event_time "…" is not a time of the pattern yyyyMMdd; duration_ms "…" is not a number',
    );
  });
});

test('an input without masks keeps its reasons as they are', () => {
  expect(
    letterFrom('{ payload_bytes_max: 5B }', '<a>&b;</a>', '{ decoder: { type: xml } }').reason,
  ).toContain('("b")');
});

describe.each(['rfh2', 'body'] as const)('folders of a message with fields_from: %s', (fieldsFrom) => {
  const at = fieldsFrom === 'rfh2' ? 'usr' : 'meta.rfh2.usr';
  const mapping = `{ mapping: { transaction_id: ${at}.id, business_keys: { customer: ${at}.phone } } }`;
  const data = rfh2(['<usr><phone>010-1234-5678</phone><region>kr</region></usr>'], '{}');
  const letter = (masking: string) => {
    const pipeline = pipelineWith(masking, mapping);
    const deps = { name: 'in', fieldsFrom, charset: createCharset(), pipeline, clock };
    return letterOf(outcomesOf(deps, 'Q', { descriptor: RFH2_DESCRIPTOR, data }));
  };

  test('are left out with the record', () => {
    expect(letter(FIELDS)).toMatchObject({ raw: '', meta: { queue: 'Q', raw: 'left out' } });
    expect(JSON.stringify(letter(FIELDS))).not.toContain('rfh2');
  });

  test('have what patterns find in them covered, as the record has', () => {
    expect(letter(PATTERNS).meta).toMatchObject({
      'rfh2.usr.phone': '***-****-****',
      'rfh2.usr.region': 'kr',
    });
    expect(JSON.stringify(letter(PATTERNS))).not.toContain('1234');
  });
});
