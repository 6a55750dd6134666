import { mkdtemp, rm, stat, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ClickHouseLogLevel, createClient } from '@clickhouse/client';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '../../common/clock.ts';
import { RetriableError } from '../../common/errors.ts';
import { silentLogger } from '../../common/logger.ts';
import type { StreamKind } from '../../common/redis/keys.ts';
import { startEmbeddedClickHouse } from '../../scripts/embedded-clickhouse/front.ts';
import { createSink } from '../registry.ts';
import type { SinkBatch } from '../sink.ts';
import { aDeadLetter, aLog, aSummary, batchOf, NOW } from '../testing/rows.ts';
import { never, sinkConfig } from './fixture.ts';

/** A ClickHouse that was killed between writing down a part's token and the part: the same engine, whose part is taken away while it stands still. */

const DAYS = ['2026-01-05', '2026-01-06', '2026-01-07', '2026-01-08', '2026-01-09'];
let dataDir: string;
beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'tranweave-repeated-'));
});
afterAll(() => rm(dataDir, { recursive: true, force: true }));

/** The engine on that folder, with a sink, until `work` is done. */
async function withClickHouse<T>(work: (store: Running) => Promise<T>): Promise<T> {
  const front = await startEmbeddedClickHouse({
    host: '127.0.0.1',
    port: 0,
    dataDir,
    logger: silentLogger(),
  });
  const client = createClient({ url: front.url, log: { level: ClickHouseLogLevel.OFF } });
  const sink = createSink(sinkConfig({ url: front.url }), {
    name: 'store',
    clock: systemClock,
    logger: silentLogger(),
  });
  await sink.open(never);
  const rows = async <Row>(query: string) =>
    (await client.query({ query, format: 'JSONEachRow' })).json<Row>();
  try {
    return await work({
      rows,
      write: (batch) => sink.write(batch, never),
      writeJoint: (batch) => sink.writeJoint?.(batch, never) ?? Promise.resolve(false),
      count: async (table, where = '1') => {
        const [row] = await rows<{ n: number }>(`SELECT count() AS n FROM tranweave.${table} WHERE ${where}`);
        return row!.n;
      },
    });
  } finally {
    await sink.close();
    await client.close();
    await front.stop();
  }
}

interface Running {
  rows: <Row>(query: string) => Promise<Row[]>;
  write: (batch: SinkBatch) => Promise<unknown>;
  writeJoint: (batch: SinkBatch) => Promise<boolean>;
  count: (table: string, where?: string) => Promise<number>;
}

/** Stores a batch, and takes one day's part of it away. */
async function storedWithout(batch: SinkBatch, day: string, ...tables: string[]): Promise<void> {
  const paths = await withClickHouse(async ({ write, rows }) => {
    await write(batch);
    const names = tables.map((table) => `'${table}'`).join();
    return rows<{ path: string }>(
      `SELECT path FROM system.parts WHERE active AND database = 'tranweave' AND table IN (${names}) AND partition = '${day}'`,
    );
  });
  expect(paths).toHaveLength(tables.length);
  for (const { path } of paths) await rm(path, { recursive: true });
}

const again = (batch: SinkBatch): SinkBatch => ({ ...batch, repeated: true });

describe.each<[StreamKind, string, (i: number, at: string) => object]>([
  ['log', 'tracking_log', (i, at) => aLog(i, { event_time: at })],
  ['dead_letter', 'dead_letter', (i, at) => aDeadLetter(i, { ingest_time: at })],
])('of a batch of the stream %s', (kind, table, rowOf) => {
  const days = kind === 'log' ? DAYS : recentDays();
  const batch = batchOf(
    kind,
    `phantom ${kind}`,
    Array.from({ length: 100 }, (_, i) => rowOf(i, `${days[i % 5]}T00:00:0${i % 10}.000000Z`)),
  );

  test('the part that was lost is stored by its repetition, once, and by the token alone it would not be', async () => {
    await storedWithout(batch, days[2]!, table);
    await withClickHouse(async ({ write, count }) => {
      expect(await count(table)).toBe(80);
      await write(batch);
      expect(await count(table)).toBe(80);
      for (let i = 0; i < 2; i += 1) {
        await write(again(batch));
        expect(await count(table)).toBe(100);
      }
    });
  });
});

test('of a batch of summaries, the revisions and what dashboards count of them are stored by its repetition', async () => {
  const rows = Array.from({ length: 100 }, (_, i) =>
    aSummary(i, { created_at: `${DAYS[i % 5]}T00:00:00.000000Z` }),
  );
  const batch = batchOf('summary', 'phantom summary', rows);
  await storedWithout(batch, DAYS[2]!, 'transaction_summary_revision');
  await storedWithout(
    batchOf('summary', 'phantom brief', [aSummary(500, { created_at: NOW })]),
    NOW.slice(0, 10),
    'transaction_brief_revision',
  );
  await withClickHouse(async ({ write, count, rows: ask }) => {
    expect(await count('transaction_summary')).toBe(81);
    for (let i = 0; i < 2; i += 1) {
      await write(again(batch));
      await write(again(batchOf('summary', 'phantom brief', [aSummary(500, { created_at: NOW })])));
      expect(await count('transaction_summary')).toBe(101);
      expect(await ask('SELECT sum(transactions) AS n FROM tranweave.interface_minute')).toEqual([
        { n: 101 },
      ]);
    }
  });
});

test('a repetition of what is there stores nothing, whatever ids and times its rows have', async () => {
  const odd = ["it's", String.raw`back\slash \N`, 'line\nbreak\ttab', '한글 ä \u0000', '{}', "\\'", ' '];
  const logs = odd.flatMap((text, i) =>
    ['1900-01-01T00:00:00.000000Z', '2299-12-31T23:59:59.999999Z', '1970-01-01T00:00:00Z'].map((time, j) =>
      aLog(10 * i + j, { event_id: `${text}${j}`, transaction_id: text, event_time: time }),
    ),
  );
  const batch = batchOf('log', 'odd', [...logs, logs[0]!]);
  await withClickHouse(async ({ write, count }) => {
    const before = await count('tracking_log');
    await write(batch);
    expect((await count('tracking_log')) - before).toBe(22);
    for (let i = 0; i < 2; i += 1) await write(again(batch));
    expect((await count('tracking_log')) - before).toBe(22);
  });
});

test('rows that are refused are left out, and the others completed', async () => {
  const good = DAYS.map((day, i) => aLog(900 + i, { event_time: `${day}T01:00:00Z` }));
  const batch = batchOf('log', 'refusing', [...good, 'not a row']);
  await withClickHouse(async ({ write, count }) => {
    const before = await count('tracking_log');
    for (const each of [batch, again(batch), again(batch)]) {
      expect(await write(each)).toMatchObject({ refused: [{ index: 5 }] });
      expect((await count('tracking_log')) - before).toBe(5);
    }
  });
});

/** Dead letters older than their retention would be dropped. */
function recentDays(): string[] {
  return [5, 4, 3, 2, 1].map((ago) =>
    new Date(systemClock.now() - ago * 86_400_000).toISOString().slice(0, 10),
  );
}

test('where a part cannot be read, no row is taken for refused: the repetition waits, and nothing is stored twice', async () => {
  const day = '2026-01-20';
  const rows = Array.from({ length: 1000 }, (_, i) => aLog(i, { event_time: `${day}T00:00:00.000000Z` }));
  const batch = batchOf('log', 'damaged', rows);
  await withClickHouse(async ({ write, writeJoint, rows: ask }) => {
    await write(batch);
    const parts = () =>
      ask<{ path: string; rows: number }>(
        `SELECT path, rows FROM system.parts WHERE active AND database = 'tranweave' AND table = 'tracking_log' AND partition = '${day}'`,
      );
    const [part] = await parts();
    const data = join(part!.path, 'data.bin');
    await truncate(data, Math.floor((await stat(data)).size / 2));
    await ask('SYSTEM DROP UNCOMPRESSED CACHE').catch(() => undefined);
    await ask('SYSTEM DROP MARK CACHE').catch(() => undefined);
    await expect(write(again(batch))).rejects.toBeInstanceOf(RetriableError);
    await expect(writeJoint(again(batch))).rejects.toBeInstanceOf(RetriableError);
    expect((await parts()).reduce((sum, { rows }) => sum + rows, 0)).toBe(1000);
  });
});
