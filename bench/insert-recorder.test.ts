import { Readable } from 'node:stream';
import { ClickHouseLogLevel, createClient } from '@clickhouse/client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startClickHouse } from '../common/testing/clickhouse.ts';
import type { TestClickHouse } from '../common/testing/clickhouse.ts';
import { linesOf, startInsertRecorder } from './insert-recorder.ts';
import type { Insert } from './insert-recorder.ts';

let server: TestClickHouse;
beforeAll(async () => {
  server = await startClickHouse();
});
afterAll(() => server.stop());

test('rows are recorded when a SELECT finds them, and not when they were refused', async () => {
  const told: Insert[] = [];
  const recorder = await startInsertRecorder(server.url, (insert) => told.push(insert));
  const client = createClient({ url: recorder.url, log: { level: ClickHouseLogLevel.OFF } });
  const insert = async (rows: readonly string[]) => {
    const { stream } = await client.exec({
      query: 'INSERT INTO default.recorded FORMAT JSONEachRow',
      values: Readable.from(rows.map((row) => `${row}\n`)),
    });
    for await (const _chunk of stream);
  };
  try {
    await client.command({
      query: 'CREATE TABLE default.recorded (id UInt8) ENGINE = MergeTree ORDER BY id',
    });
    await insert(['{"id":1}', '{"id":2}']);
    await expect(insert(['{"id":"none"}'])).rejects.toThrow(/parse/i);
    expect(await server.rows('SELECT id FROM default.recorded ORDER BY id')).toEqual([{ id: 1 }, { id: 2 }]);
    expect(recorder.inserts).toEqual(told);
    expect(told.map(({ table }) => table)).toEqual(['recorded']);
    expect(linesOf(told[0]!)).toEqual(['{"id":1}', '{"id":2}']);
  } finally {
    await client.close();
    await recorder.stop();
  }
});
