import * as v from 'valibot';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../common/clock.ts';
import { createCharset } from '../collector/charset.ts';
import { pipelineOf } from '../collector/main.ts';
import { createRetry } from '../scripts/dead-letters/retry.ts';
import { tranweaveConfigSchema } from '../scripts/tranweave-config.ts';
import { inputSchema } from '../collector/inputs/registry.ts';
import { aLog, createFixture } from '../collector/inputs/http/fixture.ts';
import type { Fixture } from '../collector/inputs/http/fixture.ts';
import { logOf } from '../scripts/decode/format.ts';

/** Bodies that are not JSON: cut by the input's framing, decoded by its decoder, in its encoding. */

let fixture: Fixture;
beforeAll(async () => {
  fixture = await createFixture();
});
beforeEach(() => fixture.redis.flushall());
afterEach(() => fixture.stopInputs());
afterAll(() => fixture.end());

const mapping = {
  transaction_id: 'txn',
  step: 'step',
  status: { field: 'result', values: { OK: 'succeeded', NG: 'failed' } },
  event_time: { constant: '2026-01-31T09:15:00Z' },
};
const csv = { decoder: { type: 'delimited' }, framing: { type: 'csv' }, mapping };

function start(config: Record<string, unknown>) {
  const whole = v.parse(inputSchema, { type: 'http', name: 'web', port: 0, ...config });
  return fixture.start({ config, deps: { pipeline: pipelineOf(whole, systemClock) } });
}

const stored = async () =>
  (await fixture.logs())
    .toSorted((a, b) => a.transaction_id.localeCompare(b.transaction_id))
    .map((log) => [log.transaction_id, log.step, log.status]);

describe('a body for the input’s decoder', () => {
  test('gives its records as logs; the first row of CSV names the columns', async () => {
    const { post } = await start(csv);
    const body = 'txn,step,result\r\nT1,"send\nto hub",OK\r\nT2,hub,NG';
    expect(await post(body, { 'content-type': 'text/csv' })).toMatchObject({
      status: 200,
      body: { accepted: 2, skipped: 1, rejected_count: 0 },
    });
    expect(await stored()).toEqual([
      ['T1', 'send\nto hub', 'succeeded'],
      ['T2', 'hub', 'failed'],
    ]);
  });

  test('may be in another encoding, which a sender may name but not change', async () => {
    const { post } = await start({ ...csv, encoding: 'cp949' });
    const body = createCharset('cp949').encode('txn,step,result\n주문-1,송신,OK');
    expect((await post(body, { 'content-type': 'text/csv; charset="EUC-KR"' })).status).toBe(200);
    expect(await stored()).toEqual([['주문-1', '송신', 'succeeded']]);
    expect(await post(body, { 'content-type': 'text/csv; charset=utf-8' })).toMatchObject({
      status: 415,
      body: { error: 'the body must be CP949' },
    });
  });

  test('has each record that is none rejected by its number, and kept with what is needed to try it again', async () => {
    const { post } = await start(csv);
    const answer = await post('txn,step,result\nT1,send,OK\nT2,hub', { 'content-type': '' });
    expect(answer).toMatchObject({ status: 200, body: { accepted: 1, rejected_count: 1 } });
    expect(answer.body.rejected).toMatchObject([
      {
        index: 2,
        issues: [{ reason: 'the record has 2 fields where 3 are expected ("txn", "step", "result")' }],
      },
    ]);
    const [letter] = await fixture.deadLetters();
    const inputs = [{ type: 'http', name: 'web', port: 0, ...csv }];
    const retry = createRetry(v.parse(tranweaveConfigSchema, { inputs }), systemClock);
    expect(retry(letter!)).toMatchObject({ kind: 'refused', reason: /2 fields where 3/ });
    const fixed = { ...letter!, raw_base64: Buffer.from('T2,hub,NG').toString('base64') };
    expect(retry(fixed)).toMatchObject({ kind: 'taken', outcomes: [{ log: { transaction_id: 'T2' } }] });
  });

  test('that is cut short is told of', async () => {
    const framing = { type: 'length-prefixed', prefix: 'digits', digits: 2 };
    const { post } = await start({ framing, decoder: { type: 'json' } });
    const log = JSON.stringify(aLog('T1'));
    expect(log.length).toBeLessThan(100);
    const answer = await post(`${log.length}${log}90{`, { 'content-type': 'application/octet-stream' });
    expect(answer.body).toMatchObject({
      accepted: 1,
      rejected: [{ index: 1, issues: [{ reason: 'ends before the length that it says' }] }],
    });
  });

  test('without records, or with too many, is refused', async () => {
    const { post } = await start({ ...csv, logs_max: 2 });
    expect(await post('\n\n', { 'content-type': 'text/csv' })).toMatchObject({
      status: 400,
      body: { error: 'the body holds no records' },
    });
    expect(await post('a\nb\nc', { 'content-type': 'text/csv' })).toMatchObject({ status: 413 });
    expect(await stored()).toEqual([]);
  });
});

test('JSON stays JSON, by its content type, and is tried again as such', async () => {
  const { post } = await start(csv);
  expect((await post(JSON.stringify([{ txn: 'T1', step: 'send', result: 'OK' }]))).status).toBe(200);
  expect((await post(JSON.stringify([{ txn: 'T1', step: 'x', result: 'OK' }, { txn: 'T2' }]))).status).toBe(
    200,
  );
  const [letter] = await fixture.deadLetters();
  const inputs = [{ type: 'http', name: 'web', port: 0, ...csv }];
  const retry = createRetry(v.parse(tranweaveConfigSchema, { inputs }), systemClock);
  expect(retry(letter!)).toMatchObject({ kind: 'refused' });
  const fixed = JSON.stringify({ txn: 'T2', step: 'hub', result: 'NG' });
  expect(retry({ ...letter!, raw_base64: Buffer.from(fixed).toString('base64') })).toMatchObject({
    kind: 'taken',
    outcomes: [{ log: { transaction_id: 'T2', status: 'failed' } }],
  });
});

test('large numbers in JSON keep their digits', async () => {
  const { post } = await start({});
  const log = JSON.stringify(aLog('T1')).replace('"T1"', '12345678901234567890');
  expect((await post(log)).status).toBe(200);
  expect((await post(`${log}\n${log}`, { 'content-type': 'application/x-ndjson' })).status).toBe(200);
  expect(new Set((await fixture.logs()).map((stored) => stored.transaction_id))).toEqual(
    new Set(['12345678901234567890']),
  );
});

test('without a decoder other content types are answered 415, and the document says what is taken', async () => {
  const plain = await start({});
  expect(await plain.post('a,b', { 'content-type': 'text/csv' })).toMatchObject({ status: 415 });
  const { url } = await start(csv);
  const document: unknown = await (await fetch(url.replace('logs', 'openapi.json'))).json();
  expect(JSON.stringify(document)).toContain('framing csv, decoder delimited, encoding utf-8');
});

test('a log that would be text in UTF-8 too is read in the encoding of its input', () => {
  const file = { type: 'file', name: 'a', paths: ['x'] };
  const bytes = Buffer.from(JSON.stringify(aLog('é')));
  const idIn = (encoding: string) => {
    const pipeline = pipelineOf(v.parse(inputSchema, { ...file, encoding }), systemClock);
    const [outcome] = pipeline.fromBytes({ bytes, event_id: 'e', meta: {} });
    return outcome?.kind === 'log' || outcome?.kind === 'row' ? logOf(outcome)['transaction_id'] : undefined;
  };
  expect([idIn('utf-8'), idIn('UTF8'), idIn('latin1')]).toEqual(['é', 'é', 'Ã©']);
});
