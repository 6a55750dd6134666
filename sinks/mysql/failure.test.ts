import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { describeError, FatalError, RetriableError } from '../../common/errors.ts';
import { silentLogger } from '../../common/logger.ts';
import type { Logger } from '../../common/logger.ts';
import { MYSQL, never, openFixture } from '../sql/fixture.ts';
import type { SqlFixture } from '../sql/fixture.ts';
import { aDeadLetter, aLog, aSummary, batchOf } from '../testing/rows.ts';
import { FATAL_ERRORS, meaningOf, refusalOf, ROW_ERRORS } from './failure.ts';

const WHOSE = { database: 'tranweave', username: 'tranweave' };

/** As the driver makes it of what a server said. */
const said = (errno: number, words = 'Access denied for user') => Object.assign(new Error(words), { errno });

describe('only the number counts, whatever the words', () => {
  test.each([1021, 1040, 1053, 1114, 1129, 1146, 1203, 1205, 1213, 1290, 1317, 1792, 1836, 1969, 3024, 9999])(
    '%i is worth another attempt',
    (errno) => {
      expect(meaningOf(said(errno), WHOSE)).toBeInstanceOf(RetriableError);
      expect(refusalOf(said(errno))).toBeUndefined();
    },
  );

  test.each(Object.keys(FATAL_ERRORS).map(Number))('%i is not', (errno) => {
    const error = meaningOf(said(errno), WHOSE);
    expect(error).toBeInstanceOf(FatalError);
    expect(describeError(error)).toContain(FATAL_ERRORS[errno]!.words(WHOSE));
  });

  test.each(Object.keys(ROW_ERRORS).map(Number))('%i is about a row', (errno) => {
    expect(refusalOf(said(errno, 'too\nlong'))).toBe(`${ROW_ERRORS[errno]}: too long`);
  });

  test('what no server said is worth another attempt, and a bug is not', () => {
    const refused = Object.assign(new Error('connect'), { code: 'ECONNREFUSED', errno: -111 });
    expect(meaningOf(refused, WHOSE)).toBeInstanceOf(RetriableError);
    const bug = new TypeError('x is not a function');
    expect(meaningOf(bug, WHOSE)).toBe(bug);
  });
});

describe.skipIf(MYSQL.missing !== undefined)('a real server', () => {
  let fixture: SqlFixture;
  beforeAll(async () => {
    fixture = await openFixture(MYSQL);
  });
  afterAll(() => fixture[Symbol.asyncDispose]());
  const run = (sql: string) => fixture.server.rows(sql);
  const batch = batchOf('log', 'token', [aLog(1)]);

  test('that may only be read is waited for', async () => {
    await run("CREATE USER writer IDENTIFIED BY 'pw'");
    await run('GRANT ALL ON tranweave.* TO writer');
    await run('SET GLOBAL read_only = 1');
    const sink = fixture.makeSink({ username: 'writer', password: 'pw' });
    await expect(sink.write(batch, never)).rejects.toThrow(RetriableError);
    await run('SET GLOBAL read_only = 0');
    await expect(sink.write(batch, never)).resolves.toEqual({ refused: [] });
    await sink.close();
  });

  test('that has no connection left is waited for', async () => {
    await run("CREATE USER crowd IDENTIFIED BY 'pw' WITH MAX_USER_CONNECTIONS 1");
    await run('GRANT ALL ON tranweave.* TO crowd');
    const [one, other] = [0, 1].map(() => fixture.makeSink({ username: 'crowd', password: 'pw' }));
    await one!.write(batch, never);
    await expect(other!.write(batch, never)).rejects.toThrow(RetriableError);
    await Promise.all([one!.close(), other!.close()]);
  });

  test('where a user may not see the database says what to run', async () => {
    await run("CREATE USER stranger IDENTIFIED BY 'pw'");
    const sink = fixture.makeSink({ username: 'stranger', password: 'pw' });
    await expect(sink.open(never)).rejects.toThrow(FatalError);
    await expect(sink.open(never)).rejects.toThrow('CREATE DATABASE IF NOT EXISTS tranweave');
    await sink.close();
  });

  test('that cuts texts and takes backslashes as they are, by its own settings, does neither to ours', async () => {
    await run("SET GLOBAL sql_mode = 'NO_BACKSLASH_ESCAPES'");
    const sink = fixture.makeSink();
    const rows = [
      aLog(10, { payload: String.raw`a\'b"c` }),
      { ...aLog(11), step: 's'.repeat(300) },
      { ...aLog(12), attempt: 2 ** 31 },
    ];
    const { refused } = await sink.write(batchOf('log', 'modes', rows), never);
    expect(refused.map(({ reason }) => reason.split(':')[0])).toEqual([
      'ER_DATA_TOO_LONG',
      'ER_WARN_DATA_OUT_OF_RANGE',
    ]);
    expect(await run("SELECT payload FROM tracking_log WHERE event_id = 'e10'")).toEqual([
      { payload: String.raw`a\'b"c` },
    ]);
    await sink.close();
    await run('SET GLOBAL sql_mode = DEFAULT');
  });

  test('that takes only small statements gets no larger ones, and a row that is larger is refused', async () => {
    await run('SET GLOBAL max_allowed_packet = 1048576');
    const sink = fixture.makeSink();
    const rows = Array.from({ length: 40 }, (_, i) =>
      aLog(100 + i, { payload: 'x'.repeat(i === 7 ? 1_048_576 : 100_000) }),
    );
    const { refused } = await sink.write(batchOf('log', 'packets', rows), never);
    expect(refused.map(({ index }) => index)).toEqual([7]);
    expect(refused[0]!.reason).toMatch(/^\d+ bytes are more than the server takes at a time/);
    expect(await run("SELECT count(*) AS n FROM tracking_log WHERE event_id LIKE 'e1__'")).toEqual([
      { n: 39 },
    ]);
    await sink.close();
    await run('SET GLOBAL max_allowed_packet = DEFAULT');
  });

  test('finds transactions by their business keys, also those of revisions before, until they are gone', async () => {
    const long = '가'.repeat(300) + '😀';
    const of = (version: number, order_no: string) =>
      aSummary(1, { version, business_keys: { order_no, long, empty: '' } });
    await fixture.sink.write(batchOf('summary', 'keys', [of(1, 'SO-1')]), never);
    await fixture.sink.write(batchOf('summary', 'more keys', [of(2, 'SO-2')]), never);
    await fixture.sink.write(batchOf('summary', 'keys', [of(1, 'SO-1')]), never);
    expect(await run('SELECT name, value FROM business_key ORDER BY name, value')).toEqual([
      { name: 'long', value: '가'.repeat(256) },
      { name: 'order_no', value: 'SO-1' },
      { name: 'order_no', value: 'SO-2' },
    ]);
    await run('DELETE FROM transaction_summary');
    expect(await run('SELECT count(*) AS n FROM business_key')).toEqual([{ n: 0 }]);
  });

  test('that answers before its disk has a batch is told of in the log', async () => {
    const warnings: unknown[] = [];
    const logger = Object.assign(Object.create(silentLogger()) as Logger, {
      warn: (...words: unknown[]) => warnings.push(words),
    });
    const open = async () => {
      const sink = fixture.makeSink({}, { logger });
      await sink.open(never);
      await sink.close();
    };
    await open();
    await run('SET GLOBAL innodb_flush_log_at_trx_commit = 1');
    await open();
    await run('SET GLOBAL innodb_flush_log_at_trx_commit = 2');
    expect(warnings).toEqual([
      [
        { innodb_flush_log_at_trx_commit: 2 },
        expect.stringContaining('before what it stores is on the disk'),
      ],
    ]);
  });

  test('keeps a dead letter of many megabytes', async () => {
    const raw = Buffer.alloc(5_000_000, 0x27);
    await fixture.sink.write(
      batchOf('dead_letter', 'large', [aDeadLetter(1, { raw_base64: raw.toString('base64') })]),
      never,
    );
    expect(await run('SELECT LENGTH(raw) AS n FROM dead_letter')).toEqual([{ n: raw.length }]);
  });
});
