import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { ClickHouseLogLevel, createClient } from '@clickhouse/client';
import type { ClickHouseClient } from '@clickhouse/client';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { FatalError } from '../../common/errors.ts';
import { silentLogger } from '../../common/logger.ts';
import { addressesOf, allowedSettings, isLoopback, rightsOf } from './access.ts';
import { startEmbeddedClickHouse } from './front.ts';
import type { EmbeddedClickHouse } from './front.ts';

describe('who is on this machine', () => {
  test.each(['127.0.0.1', '127.8.9.1', '::1', '::ffff:127.0.0.1', 'localhost'])('%s is', (address) => {
    expect(isLoopback(address)).toBe(true);
  });
  test.each(['', '0.0.0.0', '::', '10.0.0.1', '::ffff:10.0.0.1', '128.0.0.1', '127.example.org', '::2'])(
    '%j is not',
    (address) => {
      expect(isLoopback(address)).toBe(false);
    },
  );
  test('an unknown peer may only read, whatever it sends', () => {
    expect([rightsOf(undefined, 'POST'), rightsOf('10.0.0.1', 'POST'), rightsOf('10.0.0.1', 'GET')]).toEqual([
      'read',
      'read',
      'read',
    ]);
    expect([rightsOf('127.0.0.1', 'POST'), rightsOf('127.0.0.1', 'GET')]).toEqual(['all', 'no-changes']);
  });
  test('an address that takes all is the only one listened on', () => {
    expect(addressesOf('127.0.0.1', undefined)).toEqual(['127.0.0.1']);
    expect(addressesOf('127.0.0.1', '0.0.0.0')).toEqual(['0.0.0.0']);
    expect(addressesOf('127.0.0.1', '10.0.0.1')).toEqual(['127.0.0.1', '10.0.0.1']);
  });
  test('settings that name files, change how statements are read, or loosen limits are refused to readers', () => {
    const may = (name: string) => {
      try {
        return Object.keys(allowedSettings({ [name]: '1' }, 'read')).length > 0;
      } catch {
        return false;
      }
    };
    const allowed = ['output_format_json_quote_64bit_integers', 'date_time_output_format', 'max_threads'];
    const refused =
      `dialect output_format_schema format_schema format_template_resultset max_result_bytes additional_result_filter allow_ddl
      max_memory_usage`.split(/\s+/);
    expect([...allowed, ...refused].filter(may)).toEqual(allowed);
  });
});

test.each(['0.0.0.0', '::', '192.0.2.1', 'example.org'])(
  'without a password, %s is refused in words, as is an empty one',
  async (host) => {
    const options = { port: 0, dataDir: '/nowhere', logger: silentLogger() };
    const message = `is not served on ${host} without a password`;
    for (const password of [undefined, '']) {
      await expect(startEmbeddedClickHouse({ ...options, host, password })).rejects.toThrow(message);
      const besides = startEmbeddedClickHouse({
        ...options,
        host: '127.0.0.1',
        hostBesides: host,
        password,
      });
      await expect(besides).rejects.toBeInstanceOf(FatalError);
    }
  },
);

const PASSWORD = 'p:a ss';
const ownAddress = Object.values(networkInterfaces())
  .flat()
  .find((each) => each !== undefined && !each.internal && each.family === 'IPv4')?.address;

describe.skipIf(ownAddress === undefined)('from another address than loopback', () => {
  let dir: string;
  let server: EmbeddedClickHouse;
  let here: ClickHouseClient;
  let there: ClickHouseClient;
  let secret: string;

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'tranweave-access-'));
    secret = join(dir, 'secret.txt');
    await writeFile(secret, 'secret');
    server = await startEmbeddedClickHouse({
      host: '127.0.0.1',
      hostBesides: '0.0.0.0',
      port: 0,
      dataDir: join(dir, 'data'),
      password: PASSWORD,
      logger: silentLogger(),
    });
    const connect = (host: string) =>
      createClient({
        url: `http://${host}:${server.port}`,
        password: PASSWORD,
        log: { level: ClickHouseLogLevel.OFF },
      });
    [here, there] = [connect('127.0.0.1'), connect(ownAddress ?? '')];
    await here.command({ query: 'CREATE TABLE t (id UInt32) ENGINE = MergeTree ORDER BY id' });
    await here.insert({ table: 't', values: [{ id: 1 }], format: 'JSONEachRow' });
  });
  afterAll(async () => {
    await Promise.all([here.close(), there.close()]);
    await server.stop();
    await rm(dir, { recursive: true, force: true });
  });

  test('reads, with parameters and settings of the answer', async () => {
    const result = await there.query({
      query: 'SELECT id, toUInt64({n:UInt8}) AS n FROM t',
      query_params: { n: 7 },
      format: 'JSONEachRow',
      clickhouse_settings: { output_format_json_quote_64bit_integers: 1, readonly: '1' },
    });
    expect(await result.json()).toEqual([{ id: 1, n: '7' }]);
    expect(await (await there.query({ query: 'DESCRIBE TABLE t', format: 'TabSeparated' })).text()).toContain(
      'UInt32',
    );
  });

  test.each([
    'INSERT INTO t VALUES (2)',
    'INSERT INTO t SELECT 2',
    'WITH x AS (SELECT 2) INSERT INTO t SELECT * FROM x',
    'CREATE TABLE u (id UInt8) ENGINE = Memory',
    'CREATE TEMPORARY TABLE u (id UInt8)',
    'DROP TABLE t',
    'TRUNCATE TABLE t',
    'ALTER TABLE t DELETE WHERE 1',
    'SET readonly = 0',
    'SET max_threads = 1',
    'KILL QUERY WHERE 1',
    'SYSTEM STOP MERGES',
    'SELECT 1 SETTINGS readonly = 0',
  ])('is refused to %s, as READONLY', async (query) => {
    await expect(there.command({ query })).rejects.toMatchObject({ code: '164', type: 'READONLY' });
    expect(await (await here.query({ query: 'SELECT id FROM t', format: 'JSONEachRow' })).json()).toEqual([
      { id: 1 },
    ]);
  });

  test('is refused rows of an insert', async () => {
    const insert = there.insert({ table: 't', values: [{ id: 2 }], format: 'JSONEachRow' });
    await expect(insert).rejects.toMatchObject({ code: '164' });
  });

  test.each([
    ['a second statement', 'SELECT 1; DROP TABLE t', '62'],
    ['a file', "SELECT * FROM file('SECRET', LineAsString)", '497'],
    ["a file's content", "SELECT file('SECRET')", '497'],
    ['a file by another spelling', "SELECT /* x */ `fil\\x65` /* y */ ('SECRET')", '497'],
    ["a file's columns", "DESCRIBE TABLE file('SECRET')", '497'],
    ['an address', "DESCRIBE TABLE url('http://127.0.0.1:1/x.csv')", '497'],
    ['another server', "SELECT * FROM remote('127.0.0.1', system.one)", '497'],
    ['a statement in a text', "SELECT * FROM eval('SELECT 1')", '497'],
    ['a file to write', "SELECT 1 INTO /**/ OUTFILE 'SECRET' TRUNCATE", '358'],
    [
      'a file to write by a function',
      "INSERT INTO FUNCTION file('SECRET', CSV, 'x UInt8') VALUES (1)",
      '164',
    ],
  ])('is refused %s', async (_, query, code) => {
    const asked = there.command({ query: query.replace('SECRET', secret) });
    await expect(asked).rejects.toMatchObject({ code });
    expect(await readFile(secret, 'utf8')).toBe('secret');
  });

  test.each([
    'readonly=0',
    'readonly=2',
    'allow_ddl=1',
    'dialect=kusto',
    'format_template_resultset=/etc/hosts',
  ])('is refused %s in the URL', async (setting) => {
    const auth = { 'X-ClickHouse-Key': PASSWORD };
    const url = `http://${ownAddress}:${server.port}/?${setting}`;
    const response = await fetch(url, { method: 'POST', headers: auth, body: 'SELECT 1' });
    expect([response.status, response.headers.get('x-clickhouse-exception-code')]).toEqual([500, '164']);
  });

  test('is not even answered without the password', async () => {
    const url = `http://${ownAddress}:${server.port}/?query=SELECT%201`;
    const statuses = [url, `${url}&password=wrong`, `${url}&password=${encodeURIComponent(PASSWORD)}`].map(
      async (each) => (await fetch(each)).status,
    );
    expect(await Promise.all(statuses)).toEqual([403, 403, 200]);
  });

  test('may not send more than a question', async () => {
    const query = `SELECT '${'x'.repeat(2_000_000)}'`;
    await expect(there.query({ query })).rejects.toThrow(/too large/);
  });

  test('while this machine may do anything', async () => {
    await here.command({ query: 'CREATE TABLE mine (id UInt8) ENGINE = Memory' });
    await here.insert({ table: 'mine', values: [{ id: 3 }], format: 'JSONEachRow' });
    const result = await there.query({ query: 'SELECT id FROM mine', format: 'JSONEachRow' });
    expect(await result.json()).toEqual([{ id: 3 }]);
    await here.command({ query: 'DROP TABLE mine' });
  });

  test('GET from this machine writes no files either', async () => {
    for (const [query, code] of [
      ["SELECT 1 INTO OUTFILE 'SECRET' TRUNCATE", '358'],
      ["INSERT INTO FUNCTION file('SECRET', CSV, 'x UInt8') VALUES (1)", '164'],
    ] as const) {
      const asked = encodeURIComponent(query.replace('SECRET', secret));
      const response = await fetch(`${server.url}/?query=${asked}`, {
        headers: { 'X-ClickHouse-Key': PASSWORD },
      });
      expect(response.headers.get('x-clickhouse-exception-code')).toBe(code);
    }
    expect(await readFile(secret, 'utf8')).toBe('secret');
  });
});
