import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { RetriableError } from '../../common/errors.ts';
import { ROWS_REFUSED_MAX } from '../halving.ts';
import { aDeadLetter, aLog, batchOf, lineOf } from '../testing/rows.ts';
import { never, openFixture } from './fixture.ts';
import type { ClickHouseFixture } from './fixture.ts';

let fixture: ClickHouseFixture;
beforeAll(async () => {
  fixture = await openFixture();
});
afterAll(() => fixture[Symbol.asyncDispose]());

const TABLE = 'tranweave.tracking_log';
const count = async (where = '1') =>
  Number(await fixture.value(`SELECT count() FROM ${TABLE} WHERE ${where}`));
const parts = () =>
  fixture.value(
    `SELECT count() FROM system.parts WHERE active AND database = 'tranweave' AND table = 'tracking_log'`,
  );
const command = (query: string) => fixture.server.client.command({ query });
const empty = () => command(`TRUNCATE TABLE ${TABLE}`);

/** One log a week from 2026-01-05 on, so that each is in a partition of its own. */
const weekly = (weeks: number) =>
  Array.from({ length: weeks }, (_, i) =>
    aLog(i, { event_time: new Date(Date.UTC(2026, 0, 5 + 7 * i)).toISOString() }),
  );

describe('a batch that comes again', () => {
  test('over many partitions is stored once', async () => {
    await empty();
    const batch = batchOf('log', 'weeks', weekly(30));
    for (let i = 0; i < 3; i += 1) await fixture.write(batch);
    expect([await count(), await parts()]).toEqual([30, 30]);
  });

  test('is completed if ClickHouse died between its parts', async () => {
    await empty();
    const batch = batchOf('log', 'died', weekly(5));
    await fixture.write(batch);
    // What is left of a server that died after the second of five parts.
    for (const day of ['2026-01-19', '2026-01-26', '2026-02-02'])
      await command(`ALTER TABLE ${TABLE} DROP PARTITION '${day}'`);
    expect(await count()).toBe(2);
    await fixture.write(batch);
    expect(await count()).toBe(5);
  });

  test('is one part, however many rows it has', async () => {
    await empty();
    const rows = Array.from({ length: 150_000 }, (_, i) => aLog(i));
    const batch = batchOf('log', 'large', rows, 1000);
    for (let i = 0; i < 2; i += 1) await fixture.write(batch);
    expect([await count(), await parts()]).toEqual([150_000, 1]);
    expect(await fixture.value(`SELECT sum(record_count) FROM ${TABLE}`)).toBe((150_000 * 149_999) / 2);
  }, 60_000);

  test('under another token is another batch: equal rows are no repetition', async () => {
    await empty();
    const rows = [aLog(1), aLog(2)];
    await fixture.write(batchOf('log', 'one', rows));
    await fixture.write(batchOf('log', 'two', rows));
    expect(await count()).toBe(4);
    expect(await fixture.value(`SELECT count() FROM ${TABLE} FINAL`)).toBe(2);
  });

  test('compressed is the same batch', async () => {
    await empty();
    const compressing = fixture.makeSink({ compression: true });
    const batch = batchOf('log', 'gzip', weekly(3));
    await compressing.write(batch, never);
    await fixture.write(batch);
    await compressing.close();
    expect(await count()).toBe(3);
  });
});

describe('rows that ClickHouse does not take', () => {
  test('are named with its reason, whatever is wrong with them', async () => {
    await empty();
    const wrong: [string, RegExp][] = [
      [lineOf('log', { ...aLog(1), attempt: -1 }), /^CANNOT_PARSE_NUMBER: .*attempt/],
      [lineOf('log', { ...aLog(1), event_time: 'yesterday' }), /^CANNOT_PARSE_DATETIME: /],
      ['{"transaction_id":"T"}', /^CANNOT_PARSE_INPUT_ASSERTION_FAILED: /],
      ['5', /^CANNOT_/],
      ['["T', /^CANNOT_/],
    ];
    const batch = batchOf('log', 'wrong', [aLog(1), ...wrong.map(([line]) => line), aLog(2)], 2);
    const { refused } = await fixture.write(batch);
    expect(refused.map(({ index }) => index)).toEqual([1, 2, 3, 4, 5]);
    refused.forEach(({ reason }, i) => {
      expect(reason).toMatch(wrong[i]![1]);
      expect(reason).not.toContain('\n');
    });
    expect([await count(), await parts()]).toEqual([2, 1]);
  });

  test('hold up the batch if they are many: then it is the table that is wrong, and no log becomes a dead letter', async () => {
    await empty();
    await command(`ALTER TABLE ${TABLE} DROP COLUMN span_id`);
    const rows = Array.from({ length: ROWS_REFUSED_MAX + 1 }, (_, i) => aLog(i, { span_id: 's' }));
    const batch = batchOf('log', 'many', rows);
    await expect(fixture.write(batch)).rejects.toThrow(RetriableError);
    expect(await count()).toBe(0);
    await command(`ALTER TABLE ${TABLE} ADD COLUMN span_id String`);
    expect(await fixture.write(batch)).toEqual({ refused: [] });
    expect(await count()).toBe(ROWS_REFUSED_MAX + 1);
  }, 120_000);

  test('are not those that are merely odd', async () => {
    await empty();
    const odd = [
      Buffer.from(JSON.stringify(aDeadLetter(1, { reason: 'half a pair: \ud800' }))).toString(),
      JSON.stringify(aDeadLetter(2, { meta: { path: '/ä\u0000\u2028', __proto__x: '' } })),
    ];
    expect(await fixture.write(batchOf('dead_letter', 'odd', odd))).toEqual({ refused: [] });
    const bytes = Buffer.concat([
      // With a time of its own: the column's default is 1970, and a merge would drop the row as expired.
      Buffer.from(`{"event_id":"bytes","ingest_time":"${new Date().toISOString()}","reason":"`),
      Buffer.from([0xc7, 0xd1, 0xb1, 0xdb]),
      Buffer.from('"}\n'),
    ]);
    const batch = {
      stream: 'dead_letter',
      partition: 0,
      fence: 1,
      token: 'bytes',
      repeated: false,
      entries: [],
      chunks: [bytes],
      rows: 1,
      bytes: bytes.length,
    } as const;
    expect(await fixture.write(batch)).toEqual({ refused: [] });
    expect(
      await fixture.value("SELECT hex(reason) FROM tranweave.dead_letter WHERE event_id = 'bytes'"),
    ).toBe('C7D1B1DB');
  });
});
