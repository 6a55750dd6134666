import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as v from 'valibot';
import { describe, expect, test } from 'vitest';
import { createDecoder, decoderSchema } from './decoders/registry.ts';
import { createMapping, mapByName, mappingSchema } from './mapping.ts';
import { NO_MASKING } from './masking/masking.ts';
import type { RawRecord } from './outcome.ts';
import { createPipeline } from './pipeline.ts';

const clock = { now: () => Date.UTC(2026, 0, 31, 9, 15), sleep: () => Promise.resolve() };

function pipelineOf(decoder: unknown, mapping?: unknown) {
  return createPipeline({
    input: 'in',
    channel: 'file',
    decoder: createDecoder(v.parse(decoderSchema, decoder)),
    mapping: mapping === undefined ? mapByName : createMapping(v.parse(mappingSchema, mapping)),
    masking: NO_MASKING,
    clock,
  });
}

function record(text: string, more: Partial<RawRecord> = {}): RawRecord {
  return { bytes: Buffer.from(text), event_id: 'f@0', meta: { path: '/logs/a.log', offset: '0' }, ...more };
}

const orders = {
  transaction_id: 'order_no',
  interface_id: { constant: 'shop-order' },
  step: { field: 'event', values: { 'Order Placed': 'placed', 'Order Shipped': 'shipped' } },
  status: { field: 'event', values: { 'Order Lost': 'failed' }, default: 'succeeded' },
  event_time: { field: 'time', time: 'dd MMM yyyy HH:mm:ss', zone: 'Asia/Seoul' },
  business_keys: { account: 'account', email: 'email' },
  attributes: 'rest',
};
const columns = ['time', 'ip', 'account', 'email', 'event', 'order_no', 'items', 'price'];
const pipes = { type: 'delimited', delimiter: '|', columns };

describe('delimited records with a mapping', () => {
  test('become standard logs', () => {
    const line = '12 Jul 2021 12:34:52|192.0.2.1|10983|a@example.com|Order Placed|12-3456|5|56.00';
    expect(pipelineOf(pipes, orders).fromBytes(record(line))).toEqual([
      {
        kind: 'log',
        log: {
          transaction_id: '12-3456',
          interface_id: 'shop-order',
          step: 'placed',
          branch: '',
          attempt: 1,
          status: 'succeeded',
          event_time: '2021-07-12T03:34:52.000000Z',
          event_id: 'f@0',
          ingest_time: '2026-01-31T09:15:00.000000Z',
          channel: 'file',
          input: 'in',
          business_keys: { account: '10983', email: 'a@example.com' },
          attributes: { ip: '192.0.2.1', items: '5', price: '56.00' },
        },
      },
    ]);
  });

  test.each([
    ['12 Jul 2021 12:34:52|x', 'decode', 'the record has 2 fields where 8 are expected (time, ip, account,'],
    [
      '12 Jul 2021|1|2|3|Order Placed|12|1|1',
      'map',
      'event_time "12 Jul 2021" is not a time of the pattern dd MMM',
    ],
    [
      '12 Jul 2021 12:34:52|1|2|3|Order Seen|12|1|1',
      'map',
      'step the value table has no entry for "Order Seen"',
    ],
    ['12 Jul 2021 12:34:52|1|2|3|Order Placed||1|1', 'validate', 'transaction_id is required'],
  ])('%s is a dead letter of stage %s', (line, stage, reason) => {
    const [outcome] = pipelineOf(pipes, orders).fromBytes(record(line));
    if (outcome?.kind !== 'dead_letter') throw new Error('not a dead letter');
    expect(outcome.dead_letter.stage).toBe(stage);
    expect(outcome.dead_letter.reason).toContain(reason);
    expect(Buffer.from(outcome.dead_letter.raw_base64, 'base64').toString()).toBe(line);
  });

  test('with a header take their names from it, and the header is no data', () => {
    const pipeline = pipelineOf({ type: 'delimited' }, { ...orders, attributes: { note: 'note' } });
    const header = Buffer.from('time,order_no,event,account,email,note');
    expect(pipeline.fromBytes(record(header.toString(), { header, first: true }))).toEqual([
      { kind: 'skip' },
    ]);
    const line = '12 Jul 2021 12:34:52,T1,Order Shipped,1,a@example.com,"a ""b"", c"';
    expect(pipeline.fromBytes(record(line, { header }))).toMatchObject([
      { kind: 'log', log: { transaction_id: 'T1', step: 'shipped', attributes: { note: 'a "b", c' } } },
    ]);
  });
});

describe('the CSV corner cases of csv-spectrum', () => {
  const dir = new URL('../../shared/data/csv-torture/csv-spectrum/', import.meta.url);
  // A record is a line here, so the cases with line breaks inside quotes belong to framing.
  test.each(['comma_in_quotes', 'empty', 'escaped_quotes', 'json', 'location_coordinates', 'simple', 'utf8'])(
    '%s',
    (name) => {
      const [head = '', ...lines] = readFileSync(new URL(`csvs/${name}.csv`, dir), 'utf8')
        .trimEnd()
        .split(/\r?\n/);
      const decoder = createDecoder(v.parse(decoderSchema, { type: 'delimited' }));
      const rows = lines.flatMap((line) => {
        const decoded = decoder.decode(record(line, { header: Buffer.from(head) }));
        return 'fields' in decoded ? decoded.fields.map((fields) => ({ ...fields })) : [decoded];
      });
      const answer: unknown = JSON.parse(readFileSync(new URL(`json/${name}.json`, dir), 'utf8'));
      const expected = [answer].flat() as Record<string, string>[];
      // Upstream changed this number in the answer only.
      if (name === 'location_coordinates') expected[0]!['Contact Phone Number'] = '2095257564';
      expect(rows).toEqual(expected);
    },
  );
});

describe('JSON records', () => {
  const dir = fileURLToPath(new URL('../../shared/data/json-torture/test_parsing/', import.meta.url));
  const decoder = createDecoder(v.parse(decoderSchema, { type: 'json' }));

  test('that are standard logs need no mapping, and several in one record have ids of their own', () => {
    const log = {
      transaction_id: 'T1',
      step: 'send',
      status: 'started',
      event_time: '2026-01-31T18:15:00+09:00',
    };
    const outcomes = pipelineOf({ type: 'json' }).fromBytes(
      record(JSON.stringify([log, { ...log, step: 'hub' }])),
    );
    expect(outcomes).toMatchObject([
      { kind: 'log', log: { event_id: 'f@0', event_time: '2026-01-31T09:15:00.000000Z' } },
      { kind: 'log', log: { event_id: 'f@0#1', step: 'hub' } },
    ]);
  });

  test('are read by path, by a name with a dot in it, by template, and by the first field that is not empty', () => {
    const mapping = {
      transaction_id: '{order.id}-{line}',
      step: { field: ['none', 'a.b'] },
      status: { constant: 'info' },
      event_time: { field: 'at', time: 'epoch_ms' },
      node: 'meta.path',
      duration_ms: 'took',
      attributes: { whole: 'order' },
    };
    const text = '{"order":{"id":7},"line":"x","none":"","a.b":"hub","at":1769850900123,"took":"1.5"}';
    expect(
      pipelineOf(
        { type: 'json' },
        { ...mapping, transaction_id: { template: '{order.id}-{line}' } },
      ).fromBytes(record(text)),
    ).toMatchObject([
      {
        log: {
          transaction_id: '7-x',
          step: 'hub',
          event_time: '2026-01-31T09:15:00.123000Z',
          node: '/logs/a.log',
          duration_ms: 1.5,
          attributes: { whole: '{"id":7}' },
        },
      },
    ]);
  });

  test('with a key __proto__ change nothing but themselves', () => {
    const text =
      '{"__proto__":{"x":1},"transaction_id":"T1","step":"s","status":"info","event_time":"2026-01-31T00:00:00Z"}';
    const [outcome] = pipelineOf({ type: 'json' }).fromBytes(record(text));
    expect(outcome).toMatchObject({ kind: 'dead_letter', issues: [{ field: '__proto__' }] });
    expect(({} as Record<string, unknown>)['x']).toBeUndefined();
  });

  test('follow JSONTestSuite: y_ is accepted, n_ is refused, and nothing throws', () => {
    for (const name of readdirSync(dir)) {
      const decoded = decoder.decode({ ...record(''), bytes: readFileSync(join(dir, name)) });
      if (name.startsWith('n_')) expect([name, 'error' in decoded]).toEqual([name, true]);
      if (!name.startsWith('y_') || !('error' in decoded)) continue;
      // Well-formed, but not an object: refused for that alone.
      expect([name, decoded.error]).toEqual([name, 'is JSON, but not an object or an array of objects']);
    }
  });
});

describe('a mapping', () => {
  const problems = (mapping: unknown) => {
    const result = v.safeParse(mappingSchema, mapping);
    return result.success ? [] : result.issues.map((issue) => `${v.getDotPath(issue)} ${issue.message}`);
  };

  test('with mistakes is refused with words', () => {
    expect(problems({ step: { field: 'a', constant: 'b' } })).toEqual([
      'step must have exactly one of `field`, `constant` and `template`',
    ]);
    expect(problems({ event_time: { field: 'a', time: 'HH:mm' } })).toEqual([
      'event_time.time has no month (MM or MMM)',
    ]);
    expect(problems({ event_time: { field: 'a', time: 'epoch_ms', zone: 'Seoul' } })).toEqual([
      'event_time.zone is not a time zone, like Asia/Seoul, UTC or +09:00',
    ]);
  });
});
