import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { aLog, createFixture } from './fixture.ts';
import type { Fixture } from './fixture.ts';

let fixture: Fixture;
beforeAll(async () => {
  fixture = await createFixture();
});
beforeEach(() => fixture.redis.flushall());
afterEach(() => fixture.stopInputs());
afterAll(() => fixture.end());

const json = JSON.stringify;
const lines = (...values: unknown[]) =>
  values.map((value) => (typeof value === 'string' ? value : json(value))).join('\n');
const NDJSON = { 'content-type': 'application/x-ndjson' };
const transactions = async () => (await fixture.logs()).map((log) => log.transaction_id).sort();
const eventIds = async () => (await fixture.logs()).map((log) => log.event_id).sort();
const taken = (accepted: number) => ({ accepted, skipped: 0, rejected_count: 0, rejected: [] });

describe('a body', () => {
  test('may be one object, an array of objects or NDJSON with blank lines between', async () => {
    const { post } = await fixture.start();
    const answers = [
      await post(json(aLog('A'))),
      await post(json([aLog('B'), aLog('C')], null, 2)),
      await post(`${lines(aLog('D'), '', ' \r', aLog('E'))}\r\n\n`, NDJSON),
    ];
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(answers.map(({ body }) => body)).toEqual([taken(1), taken(2), taken(2)]);
    expect(await transactions()).toEqual(['A', 'B', 'C', 'D', 'E']);
  });

  test.each(['application/json', '', 'application/x-www-form-urlencoded', 'application/json; charset=UTF-8'])(
    'with content type %j may be a document or NDJSON',
    async (type) => {
      const { post } = await fixture.start();
      const headers = { 'content-type': type };
      expect((await post(json([aLog('A')]), headers)).status).toBe(200);
      expect((await post(lines(aLog('B'), 'nope', aLog('C')), headers)).body).toMatchObject({
        accepted: 2,
        rejected_count: 1,
      });
      expect(await transactions()).toEqual(['A', 'B', 'C']);
    },
  );

  test.each(['text/plain', 'application/xml', 'application/json; charset=euc-kr'])(
    'with content type %j is answered 415',
    async (type) => {
      const { post } = await fixture.start();
      const answer = await post(json(aLog('A')), { 'content-type': type });
      expect(answer.status).toBe(415);
      expect(answer.body.error).toMatch(/application\/json|UTF-8/);
    },
  );

  test('that is an empty array is fine, one that is empty is not', async () => {
    const { post } = await fixture.start();
    expect(await post('[]')).toMatchObject({ status: 200, body: taken(0) });
    for (const empty of ['', ' \n', '\ufeff']) {
      expect(await post(empty)).toMatchObject({
        status: 400,
        body: { error: expect.stringContaining('empty') as string },
      });
      expect((await post(empty, NDJSON)).status).toBe(400);
    }
  });

  test('that is no JSON is answered 400, saying where', async () => {
    const { post } = await fixture.start();
    expect(await post('{\n  "transaction_id": "A",\n}')).toMatchObject({
      status: 400,
      body: { error: "the body is not JSON: unexpected '}' at line 3, column 1" },
    });
    expect((await post('transaction_id=A&step=send')).status).toBe(400);
    expect((await post(`${json(aLog('A'))}${json(aLog('B'))}`)).status).toBe(400);
    expect(await fixture.logs()).toEqual([]);
  });

  test('must be UTF-8; a byte order mark is dropped', async () => {
    const { post } = await fixture.start();
    const latin1 = Buffer.from(json(aLog('caf\u00e9')), 'latin1');
    expect(await post(latin1)).toMatchObject({ status: 400, body: { error: 'the body is not UTF-8' } });
    expect((await post(`\ufeff${json(aLog('\uc8fc\ubb38'))}`)).status).toBe(200);
    expect((await post(`\ufeff${json(aLog('B'))}`, NDJSON)).status).toBe(200);
    expect(await transactions()).toEqual(['B', '\uc8fc\ubb38']);
  });

  test('with more logs than may be is answered 413 and nothing is kept', async () => {
    const { post } = await fixture.start({ config: { logs_max: 2 } });
    const many = [aLog('A'), aLog('B'), aLog('C')];
    expect((await post(json(many))).status).toBe(413);
    expect((await post(lines(...many), NDJSON)).status).toBe(413);
    expect(await fixture.logs()).toEqual([]);
    expect((await post(json(many.slice(0, 2)))).status).toBe(200);
  });
});

describe('records', () => {
  test('keep their keys as they are, and are refused by name with one that cannot be kept', async () => {
    const { post } = await fixture.start();
    const body = json(aLog('A')).replace('{', '{"__proto__":null,"attributes":{"a.b":"1"},');
    expect((await post(body)).status).toBe(200);
    const [log] = await fixture.logs();
    expect(log?.attributes).toEqual({ 'a.b': '1' });
    for (const key of ['__proto__', 'constructor', 'prototype']) {
      const refused = await post(json(aLog('C')).replace('{', `{"attributes":{"${key}":"3"},`));
      expect(refused.body.rejected?.[0]?.issues[0]?.reason).toContain(`has the key ${key}`);
    }
    expect(({} as Record<string, unknown>)['a.b']).toBeUndefined();
    const dotted = await post(json(aLog('B', { 'node.name': 'n1' })));
    expect(dotted.body.rejected?.[0]?.issues[0]?.field).toBe('node.name');
  });

  test('are taken without those that are wrong, which are told with their reasons and kept as dead letters', async () => {
    const { post, counter } = await fixture.start();
    const wrong =
      '{"transaction_id":"","step":"send","status":"done","event_time":"2026-01-31","n":12345678901234567890}';
    const answer = await post(`[${json(aLog('A'))}, ${wrong}, 7, {"skip":true}]`, {
      'idempotency-key': 'k1',
    });
    expect(answer).toMatchObject({ status: 200, body: { accepted: 1, skipped: 1, rejected_count: 2 } });
    const [first, second] = answer.body.rejected!;
    expect(first).toMatchObject({ index: 1, event_id: 'http/web/k1/1' });
    expect(first!.issues).toContainEqual({
      field: 'status',
      reason: expect.stringMatching(/^must be one of started/) as string,
    });
    expect(first!.issues).toContainEqual({ field: 'transaction_id', reason: 'is required' });
    expect(second).toEqual({
      index: 2,
      event_id: 'http/web/k1/2',
      issues: [{ field: '', reason: 'must be an object' }],
    });

    const letters = (await fixture.deadLetters()).sort((a, b) => (a.event_id < b.event_id ? -1 : 1));
    expect(letters).toMatchObject([
      { event_id: 'http/web/k1/1', stage: 'validate' },
      {
        event_id: 'http/web/k1/2',
        stage: 'decode',
        channel: 'http',
        input: 'web',
        meta: { request_id: 'k1' },
      },
    ]);
    expect(letters.map((letter) => Buffer.from(letter.raw_base64, 'base64').toString())).toEqual([
      wrong,
      '7',
    ]);
    const counts = ['logs', 'dead_letters', 'skipped_records', 'rejected_records'];
    expect(await Promise.all(counts.map((name) => counter(`tranweave_collector_${name}_total`)))).toEqual([
      1, 2, 1, 2,
    ]);
  });

  test('of NDJSON that are not JSON are rejected one by one', async () => {
    const { post } = await fixture.start();
    const body = lines(aLog('A'), '{"transaction_id":', '', aLog('B'), '[1]', 'nope', aLog('C'));
    const answer = await post(body, { ...NDJSON, 'idempotency-key': 'half' });
    expect(answer).toMatchObject({ status: 200, body: { accepted: 3, rejected_count: 3 } });
    expect(answer.body.rejected?.map(({ index, issues }) => [index, issues[0]?.reason])).toEqual([
      [1, 'is not JSON: unexpected end at line 2, column 19'],
      [3, 'must be an object'],
      [4, "is not JSON: unexpected 'n' at line 6, column 1"],
    ]);
    expect(await eventIds()).toEqual(['http/web/half/0', 'http/web/half/2', 'http/web/half/5']);
    expect(await fixture.deadLetters()).toHaveLength(3);
  });

  test('of which none can be taken are answered 400 and nothing is kept', async () => {
    const { post, counter } = await fixture.start();
    const answers = [await post('[{},{},5]'), await post('null'), await post('nope\nnope', NDJSON)];
    expect(answers.map(({ status, body }) => [status, body.rejected_count])).toEqual([
      [400, 3],
      [400, 1],
      [400, 2],
    ]);
    expect(answers[0]?.body.error).toBe('none of the 3 records is a tracking log; nothing was kept');
    expect(await fixture.deadLetters()).toEqual([]);
    expect(await counter('tranweave_collector_rejected_records_total')).toBe(6);
  });

  test('that are rejected are named up to a bound and counted beyond it', async () => {
    const { post } = await fixture.start();
    const answer = await post(json([aLog('A'), ...Array.from({ length: 2500 }, () => ({}))]));
    expect(answer.body).toMatchObject({ accepted: 1, rejected_count: 2500 });
    expect(answer.body.rejected).toHaveLength(1000);
    expect(await fixture.deadLetters()).toHaveLength(2500);
  });

  test('may be nested deeper than a stack is', async () => {
    const { post } = await fixture.start();
    const deep = `{"a":${'['.repeat(200_000)}${']'.repeat(200_000)}}`;
    expect((await post(`[${json(aLog('A'))},${deep}]`)).body).toMatchObject({
      accepted: 1,
      rejected_count: 1,
    });
    const [letter] = await fixture.deadLetters();
    expect(Buffer.from(letter!.raw_base64, 'base64').toString()).toBe(deep);
  });

  test('tell where they came from, as far as a proxy says', async () => {
    const { post } = await fixture.start();
    const body = json([aLog('A'), {}]);
    await post(body);
    await post(body, { 'x-forwarded-for': '203.0.113.9, 10.0.0.1' });
    const letters = await fixture.deadLetters();
    const addresses = new Set(letters.map((letter) => letter.meta['remote_address']));
    expect(addresses).toEqual(new Set(['127.0.0.1', '203.0.113.9']));
  });
});

describe('an Idempotency-Key', () => {
  test('gives a repetition the same event ids; an event_id of its own stays', async () => {
    const { post } = await fixture.start();
    const body = json([aLog('A'), aLog('B', { event_id: 'mine' })]);
    for (let i = 0; i < 2; i += 1) {
      expect(await post(body, { 'idempotency-key': 'order 7/1' })).toMatchObject({
        status: 200,
        body: taken(2),
      });
    }
    expect(await eventIds()).toEqual(['http/web/order 7/1/0', 'http/web/order 7/1/0', 'mine', 'mine']);
  });

  test('makes the ids; without one each request has ids of its own', async () => {
    const { post } = await fixture.start();
    await post(json(aLog('A')));
    await post(json(aLog('A')));
    const [one, other] = await eventIds();
    expect(one).toMatch(/^http\/web\/[0-9a-f-]{36}\/0$/);
    expect(other).not.toBe(one);
  });

  test('that comes with another body is answered 422', async () => {
    const { post } = await fixture.start();
    const headers = { 'idempotency-key': 'k1' };
    expect((await post(json(aLog('A')), headers)).status).toBe(200);
    expect((await post(json(aLog('B')), headers)).status).toBe(422);
    expect((await post(json(aLog('B')), { 'idempotency-key': 'k2' })).status).toBe(200);
    expect(await transactions()).toEqual(['A', 'B']);
    const [key] = await fixture.redis.keys('t:request:web:*');
    expect(await fixture.redis.ttl(key!)).toBeGreaterThan(86_000);
  });

  test('is free again after a 400, so that the sender can mend its body', async () => {
    const { post } = await fixture.start();
    const headers = { 'idempotency-key': 'k1' };
    expect((await post('{}', headers)).status).toBe(400);
    expect((await post(json(aLog('A')), headers)).status).toBe(200);
  });

  test.each(['', 'x'.repeat(257), 'caf\u00e9'])('of %j is answered 400', async (key) => {
    const { post } = await fixture.start();
    expect((await post(json(aLog('A')), { 'idempotency-key': key })).status).toBe(400);
  });

  test('of 256 characters is fine', async () => {
    const { post } = await fixture.start();
    expect((await post(json(aLog('A')), { 'idempotency-key': 'x'.repeat(256) })).status).toBe(200);
  });
});
