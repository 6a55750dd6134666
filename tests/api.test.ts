import { execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import * as v from 'valibot';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { storedLogSchema } from '../api/log-schema.ts';
import { summarySchema } from '../api/summary-schema.ts';
import { openEventStream } from '../api/testing/event-stream.ts';
import { checkConfig } from '../common/config.ts';
import { partitionOf } from '../common/partition.ts';
import { freePort } from '../common/testing/redis-server.ts';
import { until } from '../common/testing/until.ts';
import { createKeys } from '../common/redis/keys.ts';
import { tranweaveConfigSchema } from '../scripts/tranweave-config.ts';
import { createLandscape, PARTITIONS } from './support/landscape.ts';
import type { Landscape } from './support/landscape.ts';

/** The API of a whole landscape: real processes, a real Redis and the ClickHouse engine; and what docs/api.md says of it. */

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const KEY = 'sixteen-characters-or-more';
const keys = createKeys('tranweave');
const run = promisify(execFile);

let landscape: Landscape;
let url: string;
let dir: string;
beforeAll(async () => {
  const port = await freePort();
  url = `http://127.0.0.1:${port}`;
  dir = await mkdtemp(join(tmpdir(), 'tranweave-api-'));
  landscape = await createLandscape({
    processor: { merge_delay: '20ms' },
    flows: [
      { interface: 'shop-order', steps: ['send', 'receive'], deadline: '1h' },
      { interface: 'stock', steps: ['send'], deadline: '1h' },
    ],
    api: {
      port,
      keys: [{ name: 'docs', sha256: createHash('sha256').update(KEY).digest('hex') }],
    },
  });
  await Promise.all(
    (['collector', 'processor', 'sinks', 'api'] as const).map((role) => landscape.start(role)),
  );
  await post([
    aLog('SO-1001', { business_keys: { order_no: 'SO-1001', account: '20163' }, payload: '<order/>' }),
    ...Array.from({ length: 30 }, (_, i) => aLog(`SO-${2000 + i}`)),
    aLog('ST/1 재고', { interface_id: 'stock' }),
  ]);
  await landscape.drained();
}, 60_000);
afterAll(async () => {
  await landscape[Symbol.asyncDispose]();
  await rm(dir, { recursive: true, force: true });
});

function aLog(id: string, fields: Record<string, unknown> = {}): Record<string, unknown> {
  const event_time = '2026-01-31T09:15:00.123456Z';
  return {
    transaction_id: id,
    interface_id: 'shop-order',
    step: 'send',
    status: 'succeeded',
    event_time,
    ...fields,
  };
}

async function post(logs: readonly object[]): Promise<void> {
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(landscape.httpUrl, { method: 'POST', headers, body: JSON.stringify(logs) });
  expect(response.status).toBe(200);
}

async function get(path: string): Promise<Record<string, unknown>> {
  const response = await fetch(`${url}${path}`, { headers: { authorization: `Bearer ${KEY}` } });
  expect([path, response.status]).toEqual([path, 200]);
  return (await response.json()) as Record<string, unknown>;
}

const pageSchema = v.strictObject({ items: v.array(summarySchema), next_cursor: v.nullable(v.string()) });
const logPageSchema = v.strictObject({ ...pageSchema.entries, items: v.array(storedLogSchema) });
const page = async (query: string) => v.parse(pageSchema, await get(`/v1/transactions?${query}`));
const idsOn = async (query: string) => (await page(query)).items.map((item) => item.transaction_id);

describe('a transaction', () => {
  test('is answered alike from Redis and from ClickHouse', async () => {
    const remembered = v.parse(summarySchema, await get('/v1/transactions/SO-1001'));
    expect(remembered).toMatchObject({
      status: 'in_progress',
      business_keys: { account: '20163' },
      version: 1,
    });
    await landscape.streams.redis.del(keys.transaction(partitionOf('SO-1001', PARTITIONS), 'SO-1001'));
    expect(await get('/v1/transactions/SO-1001')).toEqual(remembered);
    const id = encodeURIComponent('ST/1 재고');
    expect(await get(`/v1/transactions/${id}`)).toMatchObject({ status: 'completed' });
  });

  test('has its logs, page by page, with every field', async () => {
    const later = { step: 'receive', event_time: '2026-01-31T09:15:00.123457Z' };
    await post([aLog('SO-1003'), aLog('SO-1003', later), aLog('SO-1003', { ...later, step: 'other' })]);
    await landscape.drained();
    const found: v.InferOutput<typeof storedLogSchema>[] = [];
    for (let cursor: string | null = ''; cursor !== null;) {
      const more: string = cursor === '' ? '' : `&cursor=${cursor}`;
      const logs = v.parse(logPageSchema, await get(`/v1/transactions/SO-1003/logs?limit=1${more}`));
      found.push(...logs.items);
      cursor = logs.next_cursor;
    }
    expect(found[0]!['step']).toBe('send');
    expect(new Set(found.map((log) => log['step']))).toEqual(new Set(['other', 'receive', 'send']));
    expect(found).toHaveLength(3);
  });
});

describe('a list', () => {
  test('holds what fits', async () => {
    expect(await idsOn('key.order_no=SO-1001&key.account=20163')).toEqual(['SO-1001']);
    expect(await idsOn('key.account=SO-1001')).toEqual([]);
    expect(await idsOn('interface=stock')).toEqual(['ST/1 재고']);
    expect(await idsOn('status=failed&status=timed_out')).toEqual([]);
    expect(await idsOn('to=2026-01-31T00:00:00Z')).toEqual([]);
    expect(await idsOn('from=2000-01-01T09:00:00%2B09:00&status=completed&interface=stock')).toHaveLength(1);
  });

  test('goes through everything once while rows change and more come', async () => {
    const query = 'interface=shop-order&status=in_progress&limit=7';
    const expected = Array.from({ length: 30 }, (_, i) => `SO-${2000 + i}`);
    const first = await page(query);
    const seen = first.items.map((item) => item.transaction_id);
    for (let cursor = first.next_cursor, turn = 0; cursor !== null; turn += 1) {
      // A new revision of every transaction, and a new transaction in front of them.
      await post([...expected.map((id) => aLog(id, { step: `more-${turn}` })), aLog(`SO-${3000 + turn}`)]);
      await landscape.drained();
      const next = await page(`${query}&cursor=${cursor}`);
      seen.push(...next.items.map((item) => item.transaction_id));
      cursor = next.next_cursor;
    }
    expect(seen).toHaveLength(new Set(seen).size);
    expect(expected.filter((id) => !seen.includes(id))).toEqual([]);
    expect(seen.filter((id) => id.startsWith('SO-3'))).toEqual([]);
  });
});

test('a stream can be come back to after the sinks have taken everything, and trimming left a history', async () => {
  const headers = { authorization: `Bearer ${KEY}` };
  const first = await openEventStream(`${url}/v1/stream`, headers);
  const id = first.lastId();
  await first[Symbol.asyncDispose]();
  const stream = keys.stream(partitionOf('SE-1', PARTITIONS), 'log');
  // Twice: what the first turn of trimming leaves of the summaries, the second has seen as well.
  for (const step of ['send', 'receive']) {
    await post([aLog('SE-1', { step, status: 'failed', error_code: 'E1' })]);
    await landscape.drained();
    await until('its logs are trimmed', async () => (await landscape.streams.redis.xlen(stream)) === 0);
  }
  await using again = await openEventStream(`${url}/v1/stream?status=failed`, {
    ...headers,
    'last-event-id': id,
  });
  const events = await again.named('summary', 2);
  expect(events.map(({ data }) => [data['transaction_id'], data['version']])).toEqual([
    ['SE-1', 1],
    ['SE-1', 2],
  ]);
  expect(again.events).toHaveLength(2);
});

/** What the page tells people to type, on this landscape. */
const text = readFileSync(join(ROOT, 'docs/api.md'), 'utf8');
const blocks = (language: string) =>
  [...text.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)].flatMap(([, name, body]) =>
    name === language ? [body!] : [],
  );
const here = (body: string) =>
  body
    .replaceAll('http://127.0.0.1:8090', url)
    // Long enough for a stream to begin.
    .replace('-m 2', '-m 0.5')
    .replaceAll('npx oazapfts', `node ${ROOT}node_modules/.bin/oazapfts`);
const env = { ...process.env, API_KEY: KEY };
const json = async (body: string) => JSON.parse(await output(body)) as Record<string, never>;

/** What a block prints. A stream is ended by curl itself, which is 28. */
async function output(body: string): Promise<string> {
  const done = run('sh', ['-c', here(body)], { cwd: dir, env });
  const { stdout } = await done.catch((error: { code: number; stdout: string }) => {
    if (error.code === 28) return error;
    throw error;
  });
  return stdout;
}

/** Generated code is compiled as it comes out, strictly, and so is what uses it. */
const CLIENT = `
import { defaults, getTransaction, listTransactions, listLogs } from './tranweave-client.ts';
import type { Transaction } from './tranweave-client.ts';
export async function useClient(baseUrl: string, key: string) {
  defaults.baseUrl = baseUrl;
  defaults.headers = { Authorization: \`Bearer \${key}\` };
  const one = await getTransaction('SO-1001');
  const found: Transaction[] = [];
  for (let cursor: string | undefined; ; ) {
    const page = await listTransactions({ $interface: ['shop-order'], limit: 10, ...(cursor ? { cursor } : {}) });
    if (page.status !== 200) throw new Error(page.data.detail);
    found.push(...page.data.items);
    if (page.data.next_cursor === null) break;
    cursor = page.data.next_cursor;
  }
  const byKey = await listTransactions({ keys: { 'key.order_no': 'SO-1001' } });
  const logs = await listLogs('SO-1001');
  const wrong = await listTransactions({ cursor: 'x' });
  return { one, found, byKey, logs, wrong };
}`;

test('a client that was generated from the document reads a transaction and pages through a list', async () => {
  await output(blocks('sh').at(-1)!);
  await symlink(join(ROOT, 'node_modules'), join(dir, 'node_modules'));
  await writeFile(join(dir, 'package.json'), '{ "type": "module" }');
  await writeFile(join(dir, 'use.ts'), CLIENT);
  const options = [
    '--strict',
    '--target',
    'ES2022',
    '--module',
    'NodeNext',
    '--lib',
    'ES2023,DOM,DOM.Iterable',
  ];
  const more = ['--skipLibCheck', '--rewriteRelativeImportExtensions', '--types', 'node'];
  const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');
  await run(process.execPath, [tsc, ...options, ...more, join(dir, 'use.ts')], { cwd: dir });
  const { useClient } = (await import(/* @vite-ignore */ pathToFileURL(join(dir, 'use.js')).href)) as {
    useClient: (url: string, key: string) => Promise<Record<string, unknown>>;
  };
  const { one, found, byKey, logs, wrong } = await useClient(url, KEY);
  expect(one).toMatchObject({ status: 200, data: { transaction_id: 'SO-1001', interface_id: 'shop-order' } });
  const ids = (found as { transaction_id: string }[]).map((item) => item.transaction_id);
  expect(ids.length).toBeGreaterThan(30);
  expect(new Set(ids).size).toBe(ids.length);
  expect(byKey).toMatchObject({ data: { items: [{ transaction_id: 'SO-1001' }] } });
  expect(logs).toMatchObject({ data: { items: [{ payload: '<order/>' }] } });
  expect(wrong).toMatchObject({ status: 400, data: { errors: [{ parameter: 'cursor' }] } });
});

describe('docs/api.md', () => {
  test('shows configs that are right', () => {
    for (const yaml of blocks('yaml')) {
      const whole = stringify(parse(yaml));
      const { mistakes } = checkConfig(whole, tranweaveConfigSchema, { API_KEY: KEY });
      expect([yaml, mistakes]).toEqual([yaml, undefined]);
    }
    expect(blocks('yaml').length).toBeGreaterThan(1);
  });

  test('shows commands that do what they say', async () => {
    const [one, logs, lists, pages, stream, key, mistake, _client, ...others] = blocks('sh');
    expect(others).toEqual([]);
    expect(await json(one!)).toMatchObject({ transaction_id: 'SO-1001' });
    expect(await json(logs!)).toMatchObject({ items: [{ step: 'send' }] });
    const [failed, byKey] = lists!.trim().split('\n');
    expect(await json(failed!)).toMatchObject({ items: [{ transaction_id: 'SE-1' }] });
    expect(await json(byKey!)).toMatchObject({ items: [{ transaction_id: 'SO-1001' }] });
    expect((await output(pages!)).split('\n')).toEqual(
      expect.arrayContaining(['SO-1001 in_progress', 'SE-1 failed', 'SO-2029 in_progress']),
    );
    expect(await output(stream!)).toMatch(/^retry: 3000\nid: 1;\S+\n\n/);
    expect(await output(key!)).toMatch(/^[0-9a-f]{64} /);
    expect(await json(mistake!)).toEqual(JSON.parse(blocks('json')[0]!));
  });

  test('shows a program that follows the stream', async () => {
    await writeFile(join(dir, 'follow.mjs'), here(blocks('js')[0]!));
    const follower = spawn(process.execPath, ['follow.mjs'], { cwd: dir, env });
    let printed = '';
    follower.stdout.on('data', (chunk: Buffer) => (printed += chunk.toString()));
    follower.stderr.on('data', (chunk: Buffer) => (printed += chunk.toString()));
    let sent = 0;
    await until('it prints a failure', async () => {
      sent += 1;
      await post([aLog(`SF-${sent}`, { status: 'failed', error_code: 'E7' })]);
      return /^SF-\d+ send E7$/m.test(printed);
    });
    expect(printed).not.toMatch(/missed|error/i);
    follower.kill();
    await once(follower, 'exit');
  });
});
