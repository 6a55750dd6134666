import * as v from 'valibot';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { TRANSACTION_STATUSES } from '../../common/evaluate.ts';
import { TRACKING_LOG_FIELDS, trackingLogSchema } from '../../common/tracking-log.ts';
import { aDeadLetter, aLog, aSummary, batchOf, NOW } from '../testing/rows.ts';
import { never, openFixture } from './fixture.ts';
import type { ClickHouseFixture } from './fixture.ts';
import { migrations } from './migrate.ts';

let fixture: ClickHouseFixture;
beforeAll(async () => {
  fixture = await openFixture();
});
afterAll(() => fixture[Symbol.asyncDispose]());

interface Column {
  name: string;
  type: string;
  comment: string;
}

const columnsOf = (table: string) =>
  fixture.server.rows<Column>(
    `SELECT name, type, comment FROM system.columns WHERE database = 'tranweave' AND table = '${table}' AND default_kind != 'ALIAS' ORDER BY position`,
  );
const ddlOf = (table: string) =>
  fixture.value(
    `SELECT create_table_query FROM system.tables WHERE database = 'tranweave' AND name = '${table}'`,
  );

describe('the columns', () => {
  test('of tracking_log are the fields of the standard log, with its words', async () => {
    const expected = TRACKING_LOG_FIELDS.map((field) => ({
      name: field,
      comment: v.getDescription(descriptionSource(trackingLogSchema.entries[field])),
    }));
    expect((await columnsOf('tracking_log')).map(({ name, comment }) => ({ name, comment }))).toEqual(
      expected,
    );
  });

  test('know unknown numbers from 0, and keep times to the microsecond', async () => {
    const types = Object.fromEntries((await columnsOf('tracking_log')).map(({ name, type }) => [name, type]));
    const nullable = Object.keys(types).filter((name) => types[name]!.startsWith('Nullable'));
    expect(nullable).toEqual(['duration_ms', 'message_size', 'record_count']);
    expect(types['event_time']).toBe("DateTime64(6, 'UTC')");
  });

  test('of transaction_summary are those of a summary, and of its steps', async () => {
    const names = (await columnsOf('transaction_summary')).map(({ name }) => name);
    expect(names).toEqual(Object.keys(aSummary(1)));
    const ofRevisions = (await columnsOf('transaction_summary_revision')).map(({ name }) => name);
    expect(ofRevisions).toEqual([...names, 'revision']);
    await fixture.write(batchOf('summary', 'columns', [aSummary(1)]));
    const [row] = await fixture.server.rows<{ steps: object[] }>(
      'SELECT steps FROM tranweave.transaction_summary',
    );
    expect(Object.keys(row!.steps[0]!)).toEqual(Object.keys(aSummary(1).steps[0]!));
  });

  test('of dead_letter are those of a dead letter, and its text to read', async () => {
    expect((await columnsOf('dead_letter')).map(({ name }) => name)).toEqual([
      ...Object.keys(aDeadLetter(1)),
      'resolution',
      'resolved_at',
    ]);
    await fixture.write(batchOf('dead_letter', 'columns', [aDeadLetter(7)]));
    expect(await fixture.value("SELECT raw FROM tranweave.dead_letter WHERE event_id = 'd7'")).toBe(
      'raw 7 가',
    );
  });

  test('all have a comment, of tables and of views, and so has each of these', async () => {
    const bare = await fixture.server.rows(
      `SELECT table, name FROM system.columns WHERE database = 'tranweave' AND comment = ''
         AND table NOT IN ('schema_migrations', 'transaction_brief_feed')`,
    );
    expect(bare).toEqual([]);
    const silent = await fixture.server.rows(
      `SELECT name FROM system.tables WHERE database = 'tranweave' AND comment = ''`,
    );
    expect(silent).toEqual([]);
  });

  test('of transaction_summary are explained as those of the table under it', async () => {
    const below = await columnsOf('transaction_summary_revision');
    expect(await columnsOf('transaction_summary')).toEqual(below.filter(({ name }) => name !== 'revision'));
  });
});

/** Optional fields are wrapped: the description is inside. */
function descriptionSource(schema: v.GenericSchema & { wrapped?: v.GenericSchema }): v.GenericSchema {
  return schema.wrapped ?? schema;
}

describe('transaction_summary', () => {
  test('has one row per transaction, the newest revision, in whatever order they came', async () => {
    const revisions = [3, 1, 4, 2].map((version) =>
      aSummary(500, { version, status: TRANSACTION_STATUSES[version - 1]! }),
    );
    for (const revision of revisions) {
      await fixture.write(batchOf('summary', `revision ${revision.version}`, [revision]));
    }
    const rows = await fixture.server.rows(
      "SELECT status, version FROM tranweave.transaction_summary WHERE transaction_id = 'T500'",
    );
    expect(rows).toEqual([{ status: 'timed_out', version: 4 }]);
    expect(
      await fixture.value(
        "SELECT count() FROM tranweave.transaction_summary_since(since = now() - INTERVAL 1 HOUR) WHERE transaction_id = 'T500'",
      ),
    ).toBe(1);
  });

  test('keeps what it knows of a transaction that Redis forgot and began anew on another day', async () => {
    const known = aSummary(501, {
      version: 1,
      status: 'completed',
      created_at: '2026-01-01T00:00:00.000000Z',
    });
    await fixture.write(batchOf('summary', 'known', [known]));
    for (const version of [1, 2, 3]) {
      await fixture.write(
        batchOf('summary', `anew ${version}`, [aSummary(501, { version, status: 'failed' })]),
      );
    }
    const rows = await fixture.server.rows(
      "SELECT status FROM tranweave.transaction_summary WHERE transaction_id = 'T501'",
    );
    expect(rows).toEqual([{ status: 'completed' }]);
  });

  test('is asked step by step with ARRAY JOIN', async () => {
    await fixture.write(batchOf('summary', 'steps', [aSummary(502)]));
    const rows = await fixture.server.rows(
      "SELECT s.step AS step, s.duration_ms AS ms FROM tranweave.transaction_summary ARRAY JOIN steps AS s WHERE transaction_id = 'T502'",
    );
    expect(rows).toEqual([{ step: 'send', ms: 12.5 }]);
  });

  test('is there for tools that may only read', async () => {
    const query = 'SELECT count() FROM tranweave.transaction_summary';
    const response = await fetch(`${fixture.server.url}/?query=${encodeURIComponent(query)}`);
    expect([response.status, Number(await response.text()) > 0]).toEqual([200, true]);
  });
});

test('a log that was sent twice is one row to whoever says FINAL', async () => {
  const [first, again] = [aLog(600), aLog(600, { ingest_time: NOW })];
  await fixture.write(batchOf('log', 'first', [first]));
  await fixture.write(batchOf('log', 'again', [again]));
  expect(
    await fixture.value("SELECT count() FROM tranweave.tracking_log FINAL WHERE transaction_id = 'T600'"),
  ).toBe(1);
});

describe('retention', () => {
  test('that changed in the config is that of the tables after the next start', async () => {
    expect(await ddlOf('tracking_log')).toContain('TTL toDateTime(ingest_time) + toIntervalSecond(7776000)');
    const other = fixture.makeSink({ retention: '10d', summary_retention: '20d' });
    await other.open(never);
    await other.close();
    expect(await ddlOf('tracking_log')).toContain('TTL toDateTime(ingest_time) + toIntervalSecond(864000) ');
    for (const table of ['transaction_summary_revision', 'transaction_brief_revision'])
      expect(await ddlOf(table)).toContain('TTL toDateTime(updated_at) + toIntervalSecond(1728000) ');
    expect(await ddlOf('dead_letter')).toContain('toIntervalSecond(2592000) ');
  });

  test('counts from when a log was collected, so that an old file is kept', async () => {
    await fixture.write(batchOf('log', 'old', [aLog(700, { event_time: '1999-12-31T23:59:59Z' })]));
    await fixture.server.client.command({ query: 'OPTIMIZE TABLE tranweave.tracking_log FINAL' });
    expect(
      await fixture.value("SELECT count() FROM tranweave.tracking_log WHERE transaction_id = 'T700'"),
    ).toBe(1);
  });
});

test('migrations are numbered from 1 without gaps, and written down once each', async () => {
  const all = migrations();
  expect(all.map(({ version }) => version)).toEqual(all.map((_, index) => index + 1));
  const rows = await fixture.server.rows(
    'SELECT DISTINCT version, title FROM tranweave.schema_migrations ORDER BY version',
  );
  expect(rows).toEqual(all.map(({ version, title }) => ({ version, title })));
});

test.each(['tracking_log', 'transaction_summary_revision', 'dead_letter', 'transaction_brief_revision'])(
  'the table %s, if somebody dropped it, is made again at the next start, and stores',
  async (table) => {
    const database = `without_${table}`;
    const before = fixture.makeSink({ database });
    await before.open(never);
    await before.close();
    const migrated = await fixture.value(`SELECT count() FROM ${database}.schema_migrations`);
    await fixture.server.client.command({ query: `DROP TABLE ${database}.${table} SYNC` });
    const next = fixture.makeSink({ database });
    await next.open(never);
    await next.write(batchOf('log', 'l', [aLog(1)]), never);
    await next.write(batchOf('summary', 's', [aSummary(1)]), never);
    await next.write(batchOf('dead_letter', 'd', [aDeadLetter(1, { ingest_time: NOW })]), never);
    await next.close();
    expect(await fixture.value(`SELECT count() FROM ${database}.${table}`)).toBe(1);
    expect(await fixture.value(`SELECT count() FROM ${database}.schema_migrations`)).toBe(migrated);
  },
);
