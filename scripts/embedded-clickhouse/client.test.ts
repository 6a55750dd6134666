import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { ClickHouseLogLevel, createClient } from '@clickhouse/client';
import type { ClickHouseClient, DataFormat } from '@clickhouse/client';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { startClickHouse } from '../../common/testing/clickhouse.ts';
import type { TestClickHouse } from '../../common/testing/clickhouse.ts';
import { quote } from '../../sinks/clickhouse/quote.ts';

/** What Tranweave uses of @clickhouse/client, against the front; the front's own behaviour is in the tests beside. */

let server: TestClickHouse;
/** As the sinks have it (sinks/clickhouse/sink.ts), but gzipped both ways. */
let client: ClickHouseClient;

beforeAll(async () => {
  server = await startClickHouse('secret');
  client = createClient({
    url: server.url,
    username: 'default',
    password: 'secret',
    compression: { request: true, response: true },
    keep_alive: { enabled: true, idle_socket_ttl: 2000 },
    max_open_connections: 4,
    log: { level: ClickHouseLogLevel.OFF },
  });
  await client.command({
    query:
      "CREATE TABLE t (id UInt32, text String DEFAULT 'none', at DateTime64(6, 'UTC') DEFAULT now64(6)) ENGINE = MergeTree ORDER BY id",
  });
});
beforeEach(async () => {
  await client.command({ query: 'TRUNCATE TABLE t' });
});
afterAll(async () => {
  await client.close();
  await server.stop();
});

const ids = () => server.rows('SELECT id, text FROM t ORDER BY id');

test.each([
  ['JSON', { data: [{ a: 1, b: '나' }], rows: 1 }],
  ['JSONCompact', { data: [[1, '나']], rows: 1 }],
  ['JSONEachRow', [{ a: 1, b: '나' }]],
  ['JSONCompactEachRow', [[1, '나']]],
  ['JSONStringsEachRow', [{ a: '1', b: '나' }]],
  ['JSONObjectEachRow', { row_1: { a: 1, b: '나' } }],
] as const)('a gzipped answer in %s is read as it was', async (format, expected) => {
  const result = await client.query({ query: "SELECT 1 AS a, '나' AS b", format });
  expect(await result.json()).toMatchObject(expected);
});

test('a large gzipped answer is streamed whole', async () => {
  const result = await client.query({
    query: "SELECT number, repeat('x', 100) FROM numbers(400000)",
    format: 'JSONCompactEachRow',
  });
  let rows = 0;
  let last: unknown;
  for await (const part of result.stream<[number, string]>()) {
    rows += part.length;
    last = part.at(-1)?.json();
  }
  expect([rows, last]).toEqual([400_000, [399_999, 'x'.repeat(100)]]);
});

test('a query is named as asked, and else by itself', async () => {
  const named = await client.query({ query: 'SELECT 1', query_id: 'mine' });
  const other = await client.command({ query: 'SELECT 1' });
  await named.text();
  expect(named.query_id).toBe('mine');
  expect(other.query_id).toMatch(/^[\da-f-]{36}$/);
});

test('exec with ignore_error_response has status, code and words, and then goes on', async () => {
  const refused = await client.exec({
    query: 'SELECT * FROM nope',
    ignore_error_response: true,
    clickhouse_settings: { wait_end_of_query: 1 },
  });
  expect([refused.http_status_code, refused.response_headers['x-clickhouse-exception-code']]).toEqual([
    404,
    '60',
  ]);
  expect(await text(refused.stream)).toMatch(/^Code: 60\. DB::Exception: .*\(UNKNOWN_TABLE\)\n$/s);
  const { stream } = await client.exec({ query: 'SELECT {x:UInt8} FORMAT CSV', query_params: { x: 3 } });
  expect(await text(stream)).toBe('3\n');
});

test('a NUL is a letter as others are, in parameters, settings and texts', async () => {
  const query = `SELECT {s:String} AS s, length(${quote('a\0b')}) AS length`;
  const result = await client.query({
    query,
    query_params: { s: "a\0b'" },
    format: 'JSONEachRow',
    clickhouse_settings: { log_comment: 'a\0b' },
  });
  expect(await result.json()).toEqual([{ s: "a\0b'", length: 3 }]);
});

test('with wait_end_of_query, the status tells of a failure at the end', async () => {
  const { http_status_code, stream } = await client.exec({
    query: 'SELECT throwIf(number = 900000) FROM numbers(1000000) FORMAT CSV',
    ignore_error_response: true,
    clickhouse_settings: { wait_end_of_query: 1 },
  });
  expect(await text(stream)).toContain('(FUNCTION_THROW_IF_VALUE_IS_NON_ZERO)');
  expect(http_status_code).toBe(500);
});

test('one connection does for all, after refusals as well', async () => {
  const { hostname, port } = new URL(server.url);
  let connections = 0;
  const between = createServer((socket) => {
    connections += 1;
    socket.pipe(connect(Number(port), hostname)).pipe(socket);
  });
  await once(between.listen(0, '127.0.0.1'), 'listening');
  const one = createClient({
    url: `http://127.0.0.1:${(between.address() as AddressInfo).port}`,
    password: 'secret',
    max_open_connections: 1,
    log: { level: ClickHouseLogLevel.OFF },
  });
  for (let i = 0; i < 5; i += 1) {
    await expect(one.query({ query: 'SELECT nope' })).rejects.toMatchObject({ code: '47' });
    expect(await (await one.query({ query: 'SELECT 1', format: 'CSV' })).text()).toBe('1\n');
    await one.insert({ table: 't', values: [{ id: i }], format: 'JSONEachRow' });
  }
  expect(connections).toBe(1);
  await one.close();
  between.close();
});

describe('inserts', () => {
  test.each([
    ['JSONEachRow', [{ id: 1, text: "a'\n\\" }]],
    ['JSONCompactEachRow', [[1, "a'\n\\", '2026-01-01 00:00:00']]],
    [
      'JSONCompactEachRowWithNames',
      [
        ['id', 'text'],
        [1, "a'\n\\"],
      ],
    ],
    [
      'JSONCompactEachRowWithNamesAndTypes',
      [
        ['id', 'text'],
        ['UInt32', 'String'],
        [1, "a'\n\\"],
      ],
    ],
    [
      'JSON',
      {
        meta: [
          { name: 'id', type: 'UInt32' },
          { name: 'text', type: 'String' },
        ],
        data: [{ id: 1, text: "a'\n\\" }],
      },
    ],
    ['JSONObjectEachRow', { one: { id: 1, text: "a'\n\\" } }],
  ] as [DataFormat, never][])('of objects as %s', async (format, values) => {
    await client.insert({ table: 't', values, format });
    expect(await ids()).toEqual([{ id: 1, text: "a'\n\\" }]);
  });

  test.each([
    ['CSV', '1,"a"\n2,"b"\n'],
    ['CSVWithNames', '"text","id"\n"a",1\n"b",2\n'],
    ['TabSeparated', '1\ta\n2\tb\n'],
    ['CustomSeparated', '1\ta\n2\tb\n'],
  ] as const)('of a stream of %s', async (format, rows) => {
    const values = Readable.from([Buffer.from(rows)], { objectMode: false });
    await client.insert({ table: 't', values, format, columns: ['id', 'text'] });
    expect(await ids()).toEqual([
      { id: 1, text: 'a' },
      { id: 2, text: 'b' },
    ]);
  });

  test('some columns, all but some, and by SELECT and VALUES', async () => {
    await client.insert({ table: 't', values: [{ id: 1 }], format: 'JSONEachRow', columns: ['id'] });
    await client.insert({
      table: 'default.t',
      values: [{ id: 2, text: 'b' }],
      format: 'JSONEachRow',
      columns: { except: ['at'] },
    });
    await client.command({ query: "INSERT INTO t (id, text) VALUES (3, 'c')" });
    await client.command({
      query: 'INSERT INTO t (id, text) SELECT {n:UInt8}, {s:String}',
      query_params: { n: 4, s: 'd' },
    });
    expect(await ids()).toEqual([
      { id: 1, text: 'none' },
      { id: 2, text: 'b' },
      { id: 3, text: 'c' },
      { id: 4, text: 'd' },
    ]);
  });

  test('of many columns by SELECT are read at once', async () => {
    const columns = Array.from({ length: 60 }, (_, i) => `column_${i}`);
    const query = `INSERT INTO nope (${columns.join(', ')}) SELECT 1`;
    await expect(client.command({ query })).rejects.toMatchObject({ code: '60' });
  });

  test('of bytes that are no text', async () => {
    const values = Readable.from([Buffer.from([0xff, 0xfe, 0, 0, 2, 0xe9, 0])], { objectMode: false });
    await client.exec({ query: 'INSERT INTO t (id, text) FORMAT RowBinary', values });
    const [row] = await server.rows('SELECT id, hex(text) AS text FROM t');
    expect(row).toEqual({ id: 0xfeff, text: 'E900' });
  });

  test('report the rows that were written', async () => {
    const { summary } = await client.insert({
      table: 't',
      values: [{ id: 1 }, { id: 2 }],
      format: 'JSONEachRow',
    });
    expect(summary?.written_rows).toBe('2');
  });

  test('that break off store nothing', async () => {
    const body = gzipSync('{"id":1}\n{"id":2}\n');
    const controller = new AbortController();
    const rows = new Readable({ read: () => undefined });
    rows.push(body.subarray(0, body.length - 4));
    const insert = client.exec({
      query: 'INSERT INTO t FORMAT JSONEachRow',
      values: rows,
      abort_signal: controller.signal,
    });
    controller.abort();
    await expect(insert).rejects.toThrow(/abort/i);
    expect(await ids()).toEqual([]);
  });
});

describe('what is wrong is told by status, code and name', () => {
  test.each([
    ['SELEC 1', 400, '62', 'SYNTAX_ERROR'],
    ['SELECT 1; SELECT 2', 400, '62', 'SYNTAX_ERROR'],
    ['SELECT * FROM nope', 404, '60', 'UNKNOWN_TABLE'],
    ['SELECT * FROM nope.nope', 404, '81', 'UNKNOWN_DATABASE'],
    ['SELECT nope FROM t', 404, '47', 'UNKNOWN_IDENTIFIER'],
    ['SELECT nope(1)', 404, '46', 'UNKNOWN_FUNCTION'],
    ['SELECT {x:UInt8}', 500, '456', 'UNKNOWN_QUERY_PARAMETER'],
    ['SELECT {wrong:UInt8}', 500, '457', 'BAD_QUERY_PARAMETER'],
    ['SELECT 1 FORMAT Nope', 404, '73', 'UNKNOWN_FORMAT'],
    ['INSERT INTO nope FORMAT JSONEachRow {"x":1}', 404, '60', 'UNKNOWN_TABLE'],
    ['INSERT INTO t FORMAT Nope 1', 404, '73', 'UNKNOWN_FORMAT'],
    ['SELECT 1 SETTINGS nope_nope = 1', 404, '115', 'UNKNOWN_SETTING'],
    ["SELECT 1 INTO OUTFILE '/nowhere/x'", 500, '358', 'INTO_OUTFILE_NOT_ALLOWED'],
    ["SELECT toUInt8('x')", 400, '6', 'CANNOT_PARSE_TEXT'],
    ['SELECT sleep(3) SETTINGS max_execution_time = 0.1', 408, '159', 'TIMEOUT_EXCEEDED'],
  ])('%s', async (query, status, code, type) => {
    const request = { query, query_params: query.includes('wrong') ? { wrong: 'x' } : {} };
    await expect(client.command(request)).rejects.toMatchObject({ code, type });
    const { http_status_code, stream } = await client.exec({ ...request, ignore_error_response: true });
    stream.resume();
    expect(http_status_code).toBe(status);
    expect((await client.ping()).success).toBe(true);
  });

  test('a wrong password', async () => {
    const stranger = createClient({
      url: server.url,
      password: 'wrong',
      log: { level: ClickHouseLogLevel.OFF },
    });
    await expect(stranger.query({ query: 'SELECT 1' })).rejects.toMatchObject({ code: '516' });
    await stranger.close();
  });
});
