import { execFile } from 'node:child_process';
import { Readable } from 'node:stream';
import { promisify } from 'node:util';
import { brotliCompressSync, deflateSync, gunzipSync, gzipSync } from 'node:zlib';
import { createClient } from '@clickhouse/client';
import type { ClickHouseSettings } from '@clickhouse/client';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startClickHouse } from '../../common/testing/clickhouse.ts';
import type { TestClickHouse } from '../../common/testing/clickhouse.ts';

const run = promisify(execFile);
let server: TestClickHouse;

beforeAll(async () => {
  server = await startClickHouse();
  await server.client.command({
    query: 'CREATE TABLE t (id UInt32, text String) ENGINE = MergeTree ORDER BY id',
  });
});
afterAll(() => server.stop());

const get = (query: string, init?: RequestInit) =>
  fetch(`${server.url}/?query=${encodeURIComponent(query)}`, init);

describe('@clickhouse/client', () => {
  test('pings, queries with parameters, and streams rows', async () => {
    expect(await server.client.ping()).toMatchObject({ success: true });
    const result = await server.client.query({
      query: 'SELECT toString({a:UInt64}) AS a, {b:String} AS b, {c:Array(String)} AS c',
      query_params: { a: '18446744073709551615', b: "it's\t\\ 한글\n", c: ['x', "y'"] },
      format: 'JSONEachRow',
    });
    expect(await result.json()).toEqual([
      { a: '18446744073709551615', b: "it's\t\\ 한글\n", c: ['x', "y'"] },
    ]);
    const stream = (
      await server.client.query({ query: 'SELECT number FROM numbers(200000)', format: 'JSONEachRow' })
    ).stream();
    let rows = 0;
    for await (const part of stream) rows += part.length;
    expect(rows).toBe(200_000);
  });

  test('that forgets a parameter is told so, and not given an earlier one', async () => {
    const ask = (query_params?: Record<string, string>) =>
      server.client.query({
        query: 'SELECT {p:String} AS p',
        ...(query_params === undefined ? {} : { query_params }),
      });
    await Promise.all(Array.from({ length: 8 }, async () => (await ask({ p: 'x' })).text()));
    await expect(ask()).rejects.toMatchObject({ code: '456' });
  });

  test('reads whole documents with their totals', async () => {
    const result = await server.client.query({ query: 'SELECT 1 AS one', format: 'JSON' });
    expect(await result.json()).toMatchObject({ data: [{ one: 1 }], rows: 1 });
  });

  test('inserts objects, and bytes by exec', async () => {
    await server.client.command({ query: 'TRUNCATE TABLE t' });
    await server.client.insert({ table: 't', values: [{ id: 1, text: 'a' }], format: 'JSONEachRow' });
    const { stream } = await server.client.exec({
      query: 'INSERT INTO t FORMAT JSONEachRow',
      values: Readable.from([Buffer.from('{"id":2,"text":"나"}\n')], {
        objectMode: false,
      }),
    });
    stream.resume();
    expect(await server.rows('SELECT * FROM t ORDER BY id')).toEqual([
      { id: 1, text: 'a' },
      { id: 2, text: '나' },
    ]);
  });

  test('inserts bytes under its own settings: a token, blocks, and what is done with unknown fields', async () => {
    await server.client.command({
      query:
        'CREATE TABLE once (id UInt32) ENGINE = MergeTree ORDER BY id SETTINGS non_replicated_deduplication_window = 10',
    });
    const insert = async (rows: string, settings: ClickHouseSettings) => {
      const { stream } = await server.client.exec({
        query: 'INSERT INTO once FORMAT JSONEachRow',
        values: Readable.from([Buffer.from(rows)], { objectMode: false }),
        clickhouse_settings: { async_insert: 0, ...settings },
      });
      stream.resume();
    };
    for (const token of ['a', 'a', 'b']) await insert('{"id":1}\n', { insert_deduplication_token: token });
    expect(await server.rows('SELECT count() AS n FROM once')).toEqual([{ n: 2 }]);
    const unknown = '{"id":2,"nope":1}\n';
    await insert(unknown, { input_format_skip_unknown_fields: 1 });
    await expect(insert(unknown, { input_format_skip_unknown_fields: 0 })).rejects.toMatchObject({
      code: '117',
    });
    await expect(insert(unknown, { nope_nope: 1 })).rejects.toMatchObject({
      code: '115',
    });
    // One setting was for one insert.
    await insert(unknown, {});
  });

  test("is told what is wrong with rows once, in ClickHouse's words", async () => {
    const response = await fetch(`${server.url}/?query=INSERT%20INTO%20t%20FORMAT%20JSONEachRow`, {
      method: 'POST',
      body: '{"id":"x"}\n',
    });
    expect(response.headers.get('x-clickhouse-exception-code')).toBe('27');
    expect(await response.text()).toMatch(/^Code: 27\. DB::Exception: Cannot parse/);
  });

  test('is told what is wrong by code and words', async () => {
    await expect(server.client.query({ query: 'SELEC 1' })).rejects.toMatchObject({
      code: '62',
      type: 'SYNTAX_ERROR',
    });
    await expect(server.client.query({ query: 'SELECT * FROM nope' })).rejects.toMatchObject({ code: '60' });
    await expect(
      server.client.query({ query: 'SELECT 1', clickhouse_settings: { nope_nope: 1 } }),
    ).rejects.toMatchObject({ type: 'UNKNOWN_SETTING' });
  });

  test('sets settings for its own query only', async () => {
    const value = async (settings?: { max_block_size: string }) => {
      const result = await server.client.query({
        query: "SELECT value FROM system.settings WHERE name = 'max_block_size'",
        format: 'JSONEachRow',
        ...(settings === undefined ? {} : { clickhouse_settings: settings }),
      });
      return (await result.json<{ value: string }>())[0]?.value;
    };
    expect(await value({ max_block_size: '77' })).toBe('77');
    const others = await Promise.all(Array.from({ length: 8 }, () => value()));
    expect(new Set(others)).toEqual(new Set(['65409']));
  });

  test('of another database works there', async () => {
    await server.client.command({ query: 'CREATE DATABASE IF NOT EXISTS other' });
    const other = createClient({ url: server.url, database: 'other' });
    await other.command({ query: 'CREATE TABLE here (x UInt8) ENGINE = Memory' });
    await other.insert({ table: 'here', values: [{ x: 1 }], format: 'JSONEachRow' });
    expect(await server.rows('SELECT x FROM other.here')).toEqual([{ x: 1 }]);
    await other.close();
  });

  test('runs fifty queries at once while inserts run', async () => {
    const queries = Array.from({ length: 50 }, (_, i) =>
      server.rows<{ n: string }>(`SELECT count() AS n FROM numbers(${i})`),
    );
    const inserts = Array.from({ length: 5 }, (_, i) =>
      server.client.insert({ table: 't', values: [{ id: 100 + i, text: 'x' }], format: 'JSONEachRow' }),
    );
    const answers = await Promise.all(queries);
    await Promise.all(inserts);
    expect(answers.map((rows) => Number(rows[0]?.n))).toEqual(Array.from({ length: 50 }, (_, i) => i));
  });
});

describe('plain HTTP', () => {
  test('curl asks by GET and by POST', async () => {
    const asked = await run('curl', ['-sS', `${server.url}/?query=SELECT%201%2B1`]);
    expect(asked.stdout).toBe('2\n');
    const posted = await run('curl', ['-sS', server.url, '--data-binary', 'SELECT 3 FORMAT CSV']);
    expect(posted.stdout).toBe('3\n');
  });

  test('GET changes nothing', async () => {
    const response = await get('DROP TABLE t');
    expect([response.status, response.headers.get('x-clickhouse-exception-code')]).toEqual([500, '164']);
    expect(await response.text()).toContain('READONLY');
    expect(await server.rows('EXISTS TABLE t')).toEqual([{ result: 1 }]);
  });

  test.each([
    ['gzip', gzipSync],
    ['deflate', deflateSync],
    ['br', brotliCompressSync],
  ] as const)('takes a %s body and answers gzip when asked to', async (encoding, compress) => {
    const response = await fetch(`${server.url}/?enable_http_compression=1`, {
      method: 'POST',
      headers: { 'Content-Encoding': encoding, 'Accept-Encoding': 'gzip' },
      body: compress('SELECT 42'),
    });
    expect(response.headers.get('content-encoding')).toBe('gzip');
    expect(await response.text()).toBe('42\n');
    expect(gunzipSync(gzipSync('x')).toString()).toBe('x');
  });

  test('names the format, the query id and the time zone in headers', async () => {
    const response = await fetch(
      `${server.url}/?query_id=q1&default_format=JSONEachRow&query=SELECT%201%20AS%20x`,
    );
    expect(response.headers.get('x-clickhouse-format')).toBe('JSONEachRow');
    expect(response.headers.get('x-clickhouse-query-id')).toBe('q1');
    expect(response.headers.get('x-clickhouse-timezone')).not.toBeNull();
    expect(await response.json()).toEqual({ x: 1 });
  });

  test('a client that goes away in the middle of a large answer leaves the server working', async () => {
    const controller = new AbortController();
    const response = await get('SELECT number FROM numbers(1000000000)', { signal: controller.signal });
    await response.body?.getReader().read();
    controller.abort();
    expect(await server.rows('SELECT 1 AS x')).toEqual([{ x: 1 }]);
  });

  test('an error in the middle of an answer breaks the connection instead of looking like its end', async () => {
    const response = await get('SELECT throwIf(number = 900000) FROM numbers(1000000) FORMAT CSV');
    await expect(response.text()).rejects.toThrow('terminated');
  });

  test('answers /ping, and 404 elsewhere', async () => {
    expect(await (await fetch(`${server.url}/ping`)).text()).toBe('Ok.\n');
    expect((await fetch(`${server.url}/nope`)).status).toBe(404);
  });
});
