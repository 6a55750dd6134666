import * as v from 'valibot';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { FatalError } from '../../common/errors.ts';
import { TRACKING_LOG_FIELDS, trackingLogSchema } from '../../common/tracking-log.ts';
import { until } from '../../common/testing/until.ts';
import { migrations as mysqlMigrations } from '../mysql/migrate.ts';
import { migrations as postgresqlMigrations } from '../postgresql/migrate.ts';
import { aDeadLetter, aLog, aSummary, batchOf } from '../testing/rows.ts';
import { describeEachStore, never, openFixture } from './fixture.ts';
import type { SqlFixture } from './fixture.ts';
import { TABLES } from './tables.ts';

interface Shown {
  name: string;
  type: string;
  nullable: boolean | number;
  comment: string;
}

const OF_COLUMNS = {
  postgresql: `SELECT a.attname AS name, format_type(a.atttypid, a.atttypmod) AS type, NOT a.attnotnull AS nullable, col_description(a.attrelid, a.attnum) AS comment
    FROM pg_attribute AS a WHERE a.attrelid = ('tranweave.' || $1)::regclass AND a.attnum > 0 ORDER BY a.attnum`,
  mysql: `SELECT COLUMN_NAME AS name, COLUMN_TYPE AS type, IS_NULLABLE = 'YES' AS nullable, COLUMN_COMMENT AS comment
    FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = 'tranweave' AND TABLE_NAME = ? ORDER BY ORDINAL_POSITION`,
};
const TIME_TYPE = { postgresql: 'timestamp(6) with time zone', mysql: 'datetime(6)' };
const MIGRATIONS = { postgresql: postgresqlMigrations(), mysql: mysqlMigrations() };

describeEachStore((kit) => {
  let fixture: SqlFixture;
  beforeAll(async () => {
    fixture = await openFixture(kit);
  });
  beforeEach(() => fixture.empty());
  afterAll(() => fixture[Symbol.asyncDispose]());
  const columnsOf = (table: string) => fixture.server.rows<Shown>(OF_COLUMNS[kit.type], [table]);
  const rows = <T extends object>(sql: string) => fixture.server.rows<T>(sql.replaceAll('{}', kit.prefix));

  test.each(Object.values(TABLES))('has the columns of $name, each with a comment', async (table) => {
    const columns = await columnsOf(table.name);
    expect(columns.map(({ name }) => name)).toEqual(table.columns.map(({ name }) => name));
    expect(columns.filter(({ comment }) => (comment ?? '') === '')).toEqual([]);
    const nullable = columns.filter((column) => Boolean(column.nullable)).map(({ name }) => name);
    expect(nullable).toEqual(table.columns.filter(({ kind }) => kind.endsWith('?')).map(({ name }) => name));
    for (const { name, kind } of table.columns) {
      if (!kind.startsWith('time')) continue;
      expect(columns.find((column) => column.name === name)?.type).toBe(TIME_TYPE[kit.type]);
    }
  });

  test('says of the columns of tracking_log what the standard log says', async () => {
    const said = TRACKING_LOG_FIELDS.map((field) => {
      const schema: v.GenericSchema & { wrapped?: v.GenericSchema } = trackingLogSchema.entries[field];
      return [field, v.getDescription(schema.wrapped ?? schema)];
    });
    expect((await columnsOf('tracking_log')).map(({ name, comment }) => [name, comment])).toEqual(said);
  });

  test('shows the steps of transactions one row each, in their order', async () => {
    const [step] = aSummary(1).steps;
    const steps = [
      { ...step!, duration_ms: 0.1, started_at: '2026-01-31T09:15:00.123456Z' },
      { ...step!, step: 'hub', ended_at: null, duration_ms: null, queue_ms: -3.5, expected: false },
    ];
    await fixture.sink.write(
      batchOf('summary', 'steps', [aSummary(1, { steps }), aSummary(2, { steps: [] })]),
      never,
    );
    const shown = await rows<Record<string, unknown>>(
      'SELECT transaction_id, transaction_status, ordinal, step, started_at, ended_at, duration_ms, queue_ms, expected FROM {}transaction_step ORDER BY ordinal',
    );
    const zone = kit.type === 'postgresql' ? '+00' : '';
    const none = kit.type === 'postgresql' ? '' : '.000000';
    expect(shown.map((row) => ({ ...row, expected: Boolean(row['expected']) }))).toEqual([
      {
        transaction_id: 'T1',
        transaction_status: 'in_progress',
        ordinal: 1,
        step: 'send',
        started_at: `2026-01-31 09:15:00.123456${zone}`,
        ended_at: `2026-01-31 09:15:00${none}${zone}`,
        duration_ms: 0.1,
        queue_ms: null,
        expected: true,
      },
      {
        transaction_id: 'T1',
        transaction_status: 'in_progress',
        ordinal: 2,
        step: 'hub',
        started_at: `2026-01-31 09:15:00${none}${zone}`,
        ended_at: null,
        duration_ms: null,
        queue_ms: -3.5,
        expected: false,
      },
    ]);
  });

  test('has migrations that are numbered from 1 without gaps, and writes them down once each', async () => {
    const all = MIGRATIONS[kit.type].map(({ version, title }) => ({ version, title }));
    expect(all.map(({ version }) => version)).toEqual(all.map((_, index) => index + 1));
    expect(await rows('SELECT version, title FROM {}schema_migrations ORDER BY version')).toEqual(all);
  });

  test('repeats a migration that was not written down', async () => {
    await fixture.sink.write(batchOf('log', 'kept', [aLog(1)]), never);
    await rows('DELETE FROM {}schema_migrations');
    await fixture.sink.open(never);
    expect(await rows<{ n: number }>('SELECT count(*) AS n FROM {}schema_migrations')).toEqual([
      { n: MIGRATIONS[kit.type].length },
    ]);
    expect((await fixture.read('tracking_log')).length).toBe(1);
  });

  test('deletes what has expired, by when it came or changed, and nothing else', async () => {
    const old = { ingest_time: '2020-01-01T00:00:00.000000Z' };
    const changes = { version: 1, updated_at: old.ingest_time, business_keys: { order_no: 'old' } };
    await fixture.sink.write(
      batchOf(
        'log',
        'logs',
        Array.from({ length: 20 }, (_, i) => ({ ...aLog(i), ...(i < 12 ? old : {}) })),
      ),
      never,
    );
    await fixture.sink.write(batchOf('summary', 'summaries', [aSummary(1, changes), aSummary(2)]), never);
    await fixture.sink.write(batchOf('dead_letter', 'letters', [aDeadLetter(1, old), aDeadLetter(2)]), never);
    const left = async () =>
      (
        await Promise.all(Object.values(TABLES).map(async ({ name }) => (await fixture.read(name)).length))
      ).join();
    for (const [settings, rowsLeft] of [
      [{ dead_letter_retention: 'forever' }, '8,1,2'],
      [{}, '8,1,1'],
    ] as const) {
      const forgetful = fixture.makeSink(settings);
      await forgetful.open(never);
      await until(`${rowsLeft} rows are left`, async () => (await left()) === rowsLeft);
      await forgetful.close();
    }
  });

  test('does not make the database', async () => {
    const other = fixture.makeSink({ database: 'nowhere' });
    const opening = other.open(never);
    await expect(opening).rejects.toThrow(FatalError);
    await expect(opening).rejects.toThrow(
      'there is no database nowhere; an administrator makes it: CREATE DATABASE nowhere',
    );
    await other.close();
  });
});
