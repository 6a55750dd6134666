import { once } from 'node:events';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { startClickHouse } from '../../common/testing/clickhouse.ts';
import type { TestClickHouse } from '../../common/testing/clickhouse.ts';
import { until } from '../../common/testing/until.ts';

let server: TestClickHouse;
let readers: Socket[] = [];

beforeAll(async () => {
  server = await startClickHouse();
  await server.client.command({ query: 'CREATE TABLE t (id UInt32) ENGINE = MergeTree ORDER BY id' });
});
afterAll(() => server.stop());
afterEach(async () => {
  for (const reader of readers) reader.destroy();
  readers = [];
  await idle();
});

/** Some seconds of work before the first row: 20 billion hashes. */
const LONG = 'SELECT count() FROM numbers(20000000000) WHERE sipHash64(number) = 1';
/** 1 GB in rows. */
const LARGE = "SELECT number, repeat('x', 200) FROM numbers(5000000)";
const HUGE = "SELECT number, repeat('x', 200) FROM numbers(50000000000)";
const MEMORY_BYTES_MAX = 400 * 1024 * 1024;

async function running(): Promise<number> {
  const [row] = await server.rows<{ n: number }>(
    "SELECT count() AS n FROM system.processes WHERE query NOT LIKE '%system.processes%'",
  );
  return row?.n ?? -1;
}

const idle = () => until('nothing runs any more', async () => (await running()) === 0, 10_000);

/** Asks and takes what comes until it is told to stop. */
async function ask(query: string, settings = ''): Promise<Socket> {
  const url = new URL(server.url);
  const socket = connect(Number(url.port), url.hostname);
  socket.on('error', () => undefined);
  readers.push(socket);
  await once(socket, 'connect');
  socket.write(`POST /?${settings} HTTP/1.1\r\nHost: x\r\nContent-Length: ${query.length}\r\n\r\n${query}`);
  return socket;
}

/** Has the beginning of the answer, and takes nothing more. */
async function askAndStall(query: string): Promise<Socket> {
  const socket = await ask(query);
  await once(socket, 'data');
  socket.pause();
  return socket;
}

describe('a large answer to a slow reader', () => {
  test('is not in memory, and others are answered meanwhile', async () => {
    const response = await fetch(server.url, { method: 'POST', body: `${LARGE} FORMAT TSV` });
    const reader = response.body!.getReader();
    await reader.read();
    const before = process.memoryUsage().rss;
    let bytes = 0;
    let most = before;
    let answered = 0;
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      bytes += part.value.length;
      most = Math.max(most, process.memoryUsage().rss);
      if (answered * 100_000_000 < bytes) {
        expect(await server.rows('SELECT 1 AS x')).toEqual([{ x: 1 }]);
        answered += 1;
      }
    }
    expect(answered).toBeGreaterThanOrEqual(10);
    expect(bytes).toBeGreaterThan(1_000_000_000);
    expect(most - before).toBeLessThan(MEMORY_BYTES_MAX);
  }, 60_000);

  test('waits for readers that take nothing, and holds nobody up', async () => {
    await askAndStall(HUGE);
    const before = process.memoryUsage().rss;
    for (let i = 1; i < 8; i += 1) await askAndStall(HUGE);
    expect(await running()).toBe(8);
    const inserts = Array.from({ length: 10 }, (_, id) =>
      server.client.insert({ table: 't', values: [{ id: 1000 + id }], format: 'JSONEachRow' }),
    );
    const answers = Array.from({ length: 50 }, (_, n) => server.rows(`SELECT toUInt8(${n}) AS n`));
    expect(await Promise.all(answers)).toEqual(Array.from({ length: 50 }, (_, n) => [{ n }]));
    await Promise.all(inserts);
    expect(process.memoryUsage().rss - before).toBeLessThan(8 * 100 * 1024 * 1024);
  });

  test('is refused where the format is one document', async () => {
    const query = server.client.query({ query: LARGE, format: 'JSON' });
    await expect(query).rejects.toMatchObject({ code: '396', type: 'TOO_MANY_ROWS_OR_BYTES' });
  });

  test('has the names of its columns once', async () => {
    const names = '"a\n""b"';
    const asked = `SELECT number AS \`a\n"b\` FROM numbers(300000)`;
    const csv = await (await server.client.query({ query: asked, format: 'CSVWithNames' })).text();
    expect(csv.startsWith(`${names}\n0\n1\n`)).toBe(true);
    expect(csv.split(names)).toHaveLength(2);
    const tsv = await server.client.query({
      query: 'SELECT number AS n FROM numbers(300000)',
      format: 'TabSeparatedWithNames',
    });
    expect((await tsv.text()).split('\n')).toHaveLength(300_002);
  });
});

describe('a query that fails', () => {
  test('leaves none of its rows to the next one', async () => {
    const failing = 'SELECT throwIf(number = 900000) FROM numbers(1000000)';
    for (let i = 0; i < 4; i += 1) {
      for (const format of ['JSON', 'CSV'] as const) {
        const query = server.client.query({ query: failing, format }).then((result) => result.text());
        await expect(query).rejects.toThrow(/throwIf|aborted/);
      }
    }
    const next = Array.from({ length: 8 }, async () =>
      (await server.client.query({ query: 'SELECT 7', format: 'CSV' })).text(),
    );
    expect(new Set(await Promise.all(next))).toEqual(new Set(['7\n']));
  });
});

describe('a client that goes away', () => {
  test.each([
    ['computing', LONG, ''],
    ['computing a document', LONG, 'default_format=JSON'],
    ['streaming', HUGE, ''],
  ])('ends its query while it is %s', async (_, query, settings) => {
    const socket = await ask(query, settings);
    await until('it runs', async () => (await running()) === 1);
    socket.destroy();
    await idle();
  });

  test('by an abort signal of @clickhouse/client', async () => {
    const controller = new AbortController();
    const query = server.client.query({ query: LONG, abort_signal: controller.signal });
    await until('it runs', async () => (await running()) === 1);
    controller.abort();
    await expect(query).rejects.toThrow(/abort/i);
    await idle();
  });

  test('fifty times leaves nothing behind, and inserts go on', async () => {
    const before = process.memoryUsage().rss;
    for (let i = 0; i < 50; i += 1) {
      const socket = i % 2 === 0 ? await ask(LONG) : await askAndStall(HUGE);
      await server.client.insert({ table: 't', values: [{ id: i }], format: 'JSONEachRow' });
      socket.destroy();
    }
    await idle();
    expect(process.memoryUsage().rss - before).toBeLessThan(MEMORY_BYTES_MAX);
    const [row] = await server.rows('SELECT count() AS n FROM t WHERE id < 50');
    expect(row).toEqual({ n: 50 });
  }, 60_000);
});

describe('many at once', () => {
  test('fifty queries while inserts run: answers are right, rows are exact', async () => {
    await server.client.command({ query: 'TRUNCATE TABLE t' });
    const rows = (batch: number) => Array.from({ length: 1000 }, (_, i) => ({ id: batch * 1000 + i }));
    const inserts = Array.from({ length: 30 }, (_, batch) =>
      server.client.insert({ table: 't', values: rows(batch), format: 'JSONEachRow' }),
    );
    const queries = Array.from({ length: 50 }, (_, n) =>
      server.rows(`SELECT toUInt32(sum(number)) AS sum, toUInt32({n:UInt32}) AS n FROM numbers(${n})`, { n }),
    );
    const right = Array.from({ length: 50 }, (_, n) => [{ sum: (n * Math.max(0, n - 1)) / 2, n }]);
    expect(await Promise.all(queries)).toEqual(right);
    await Promise.all(inserts);
    expect(await server.rows('SELECT count() AS n, uniqExact(id) AS ids FROM t')).toEqual([
      { n: 30_000, ids: 30_000 },
    ]);
  });

  test('more than may wait are told so, and the others are answered', async () => {
    for (let i = 0; i < 16; i += 1) await askAndStall(HUGE);
    const queries = Array.from({ length: 210 }, () =>
      fetch(server.url, { method: 'POST', body: 'SELECT 1' }),
    );
    const codes: (string | null)[] = [];
    for (const query of queries)
      void query.then((response) => codes.push(response.headers.get('x-clickhouse-exception-code')));
    await until('what is too much is refused', () => codes.length === 10);
    expect(new Set(codes)).toEqual(new Set(['202']));
    // Changes have places of their own.
    await server.client.insert({ table: 't', values: [{ id: 1 }], format: 'JSONEachRow' });
    for (const reader of readers) reader.destroy();
    const responses = await Promise.all(queries);
    const statuses = responses.map(({ status }) => status);
    expect(statuses.filter((status) => status === 200)).toHaveLength(200);
    expect(statuses.filter((status) => status === 503)).toHaveLength(10);
  });
});
