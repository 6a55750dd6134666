import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import * as v from 'valibot';
import { FatalError } from '../common/errors.ts';
import { until } from '../common/testing/until.ts';
import { problemSchema } from './problem.ts';
import type { Problem } from './problem.ts';
import { summarySchema } from './summary-schema.ts';
import { aSummary, createApiRig } from './testing/rig.ts';
import type { ApiRig, RunningApi } from './testing/rig.ts';

/** Who may ask, how often, and what is answered instead of a result. ClickHouse is away here. */

const FULL_KEY = 'a-key-for-everything';
const SHOP_KEY = 'a-key-for-the-shop-alone';
const keys = [
  { name: 'full', key: FULL_KEY },
  { name: 'shop', sha256: createHash('sha256').update(SHOP_KEY).digest('hex'), interfaces: ['shop-order'] },
  { name: 'few', key: 'a-key-for-few-requests', rate_limit: 3 },
  { name: 'unset', key: '' },
];

let rig: ApiRig;
let api: RunningApi;
beforeAll(async () => {
  rig = await createApiRig();
  api = await rig.start({ keys });
  rig.remembered.set('T/1 가', aSummary('T/1 가'));
  rig.remembered.set('T2', aSummary('T2', { interface_id: 'stock' }));
});
afterAll(async () => {
  await api[Symbol.asyncDispose]();
  await rig[Symbol.asyncDispose]();
});

const ask = (path: string, headers: Record<string, string> = { 'x-api-key': FULL_KEY }, url = api.url) =>
  fetch(`${url}${path}`, { headers });

async function problemAt(path: string, headers?: Record<string, string>): Promise<Problem> {
  const response = await ask(path, headers);
  expect(response.headers.get('content-type')).toBe('application/problem+json');
  const problem = v.parse(problemSchema, await response.json());
  expect(problem.status).toBe(response.status);
  return problem;
}

describe('who may ask', () => {
  test.each([
    ['nobody without a key', {}, 401],
    ['nobody with a wrong key', { authorization: 'Bearer a-key-for-everythinG' }, 401],
    ['nobody with a key that is not set', { 'x-api-key': '' }, 401],
    ['nobody with the digest of a key', { 'x-api-key': keys[1]!.sha256! }, 401],
    ['somebody with a key', { authorization: `Bearer ${FULL_KEY}` }, 200],
    ['somebody with a key in its other header', { 'x-api-key': FULL_KEY }, 200],
    ['somebody whose key is kept as a digest', { authorization: `bearer ${SHOP_KEY}` }, 200],
  ])('%s', async (_who, headers, status) => {
    const response = await ask(`/v1/transactions/${encodeURIComponent('T/1 가')}`, headers);
    expect(response.status).toBe(status);
    if (status === 200) {
      expect(v.parse(summarySchema, await response.json()).transaction_id).toBe('T/1 가');
    } else expect(response.headers.get('www-authenticate')).toMatch(/^Bearer /);
  });

  test('a key sees its interfaces, and nothing that tells of others', async () => {
    const headers = { 'x-api-key': SHOP_KEY };
    const hidden = await problemAt('/v1/transactions/T2', headers);
    expect(hidden).toMatchObject({ status: 404, detail: 'there is no transaction T2' });
    for (const path of ['/v1/transactions', '/v1/stream']) {
      expect(await problemAt(`${path}?interface=stock`, headers)).toMatchObject({
        status: 403,
        errors: [{ parameter: 'interface', reason: 'stock is not among the interfaces of this key' }],
      });
    }
  });

  test('without keys it does not start where others could reach it', async () => {
    for (const none of [[], [keys[3]]]) {
      await expect(rig.start({ host: '0.0.0.0', keys: none })).rejects.toThrow(FatalError);
    }
    await using open = await rig.start({ host: '127.0.0.1' });
    expect((await ask('/v1/transactions/T2', {}, open.url)).status).toBe(200);
  });

  test('everybody may read what there is', async () => {
    expect((await ask('/v1/openapi.json', {})).status).toBe(200);
    const page = await (await ask('/v1', {})).text();
    expect(page).toContain('<code>GET /v1/transactions/{id}/logs</code>');
    expect(page).not.toContain('undefined');
  });
});

describe('how often', () => {
  test('a limit holds over all replicas, and says when to come back', async () => {
    await using second = await rig.start({ keys });
    const headers = { 'x-api-key': 'a-key-for-few-requests' };
    const left = [];
    for (const url of [api.url, second.url, api.url]) {
      const response = await ask('/v1/transactions/T2', headers, url);
      expect(response.headers.get('ratelimit-policy')).toBe('"minute";q=3;w=60');
      left.push(/r=(\d)/.exec(response.headers.get('ratelimit')!)![1]);
    }
    expect(left).toEqual(['2', '1', '0']);
    const refused = await ask('/v1/transactions/T2', headers, second.url);
    expect(refused.status).toBe(429);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(refused.headers.get('ratelimit')).toMatch(/^"minute";r=0;t=\d+$/);
    expect((await ask('/v1/transactions/T2')).status).toBe(200);
  });
});

describe('what is asked', () => {
  const day = '2026-01-31T00:00:00Z';
  test.each([
    [
      '/v1/transactions?statsu=failed',
      'statsu',
      /^is not known here; there are: interface, status, key\.NAME, /,
    ],
    ['/v1/transactions?keys=x', 'keys', /^is not known here/],
    ['/v1/transactions?status=bad', 'status', 'must be one of in_progress, completed, failed, timed_out'],
    ['/v1/transactions?from=yesterday', 'from', /^must be an RFC 3339 time/],
    ['/v1/transactions?from=2026-01-31T09:00:00+09:00', 'from', /a \+ is written %2B/],
    [`/v1/transactions?from=${day}&to=${day}`, 'from', 'must be earlier than `to`'],
    ['/v1/transactions?limit=0', 'limit', 'must be a whole number from 1 to 1000'],
    ['/v1/transactions?limit=1e2', 'limit', 'must be a whole number from 1 to 1000'],
    ['/v1/transactions?limit=1&limit=2', 'limit', 'may be given once'],
    ['/v1/transactions?cursor=abc', 'cursor', 'is no `next_cursor` of this resource'],
    ['/v1/transactions?interface=', 'interface', 'must not be empty'],
    ['/v1/transactions?key.=x', 'key.', 'needs the name of a business key behind `key.`'],
    ['/v1/transactions?key.order_no=', 'key.order_no', 'must not be empty'],
    ['/v1/transactions/T2?logs=true', 'logs', 'is not known here; there are: none'],
    ['/v1/transactions/T2/logs?status=failed', 'status', 'is not known here; there are: limit, cursor'],
    ['/v1/stream?limit=1', 'limit', /^is not known here/],
    ['/v1/stream?last_event_id=5-0', 'Last-Event-ID', 'is no id of an event of this stream'],
  ])('%s is told what is wrong with %s', async (path, parameter, reason) => {
    const problem = await problemAt(path);
    expect(problem).toMatchObject({ status: 400, title: 'Bad Request' });
    expect(problem.errors).toEqual([
      { parameter, reason: typeof reason === 'string' ? reason : expect.stringMatching(reason) },
    ]);
  });

  test('everything that is wrong is told at once', async () => {
    const { errors } = await problemAt('/v1/transactions?limit=x&status=y&z=1');
    expect(errors!.map(({ parameter }) => parameter).toSorted()).toEqual(['limit', 'status', 'z']);
  });

  test('what is not there, and what cannot be done', async () => {
    expect(await problemAt('/v2')).toMatchObject({ status: 404 });
    const posted = await fetch(`${api.url}/v1/transactions`, { method: 'POST' });
    expect([posted.status, posted.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
    const head = await fetch(`${api.url}/v1/stream`, { method: 'HEAD', headers: { 'x-api-key': FULL_KEY } });
    expect([head.status, await head.text()]).toEqual([200, '']);
  });
});

describe('what it stands on is away', () => {
  test('ClickHouse: 503, but what Redis remembers is answered', async () => {
    for (const path of ['/v1/transactions', '/v1/transactions/T3', '/v1/transactions/T2/logs']) {
      expect(await problemAt(path)).toMatchObject({ status: 503 });
      expect((await ask(path)).headers.get('retry-after')).toBe('5');
    }
    expect((await ask('/v1/transactions/T2')).status).toBe(200);
  });

  test('ClickHouse does not answer: what Redis remembers is not kept waiting for it', async () => {
    const silent = createServer().listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const { port } = silent.address() as AddressInfo;
    await using waiting = await rig.start({}, 2, `http://127.0.0.1:${port}`);
    const response = await fetch(`${waiting.url}/v1/transactions/T2`, { signal: AbortSignal.timeout(5_000) });
    expect(await response.json()).toMatchObject({ transaction_id: 'T2' });
    silent.close();
  });

  test('Redis: 503 within its bound, while it is gone and while it is silent; then all is well again', async () => {
    rig.server.pause();
    expect(await problemAt('/v1/transactions/T2')).toMatchObject({ status: 503 });
    rig.server.resume();
    await until('it answers', async () => (await ask('/v1/transactions/T2')).status === 200);
    await rig.server.kill();
    expect(await problemAt('/v1/transactions/T2')).toMatchObject({ status: 503 });
    expect(await api.role.reasons()).toEqual(['Redis cannot be reached']);
    await rig.server.restart();
    await until('it answers', async () => (await ask('/v1/transactions/T2')).status === 200);
  });
});
