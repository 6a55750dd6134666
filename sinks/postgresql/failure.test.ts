import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { describeError, FatalError, RetriableError } from '../../common/errors.ts';
import { never, openFixture, POSTGRESQL } from '../sql/fixture.ts';
import type { SqlFixture } from '../sql/fixture.ts';
import { aLog, batchOf } from '../testing/rows.ts';
import { FATAL_CODES, meaningOf, refusalOf, ROW_CLASSES } from './failure.ts';

const WHOSE = { database: 'tranweave', username: 'tranweave' };

/** As the driver makes it of what a server said. */
function said(code: string, words = 'password authentication failed'): pg.DatabaseError {
  const error = new pg.DatabaseError(words, words.length, 'error');
  error.code = code;
  return error;
}

describe('only the code counts, whatever the words', () => {
  test.each([
    '53300',
    '53100',
    '40001',
    '40P01',
    '25006',
    '57P01',
    '57P03',
    '57014',
    '55P03',
    '42P01',
    'XX000',
    'ZZ999',
  ])('%s is worth another attempt', (code) => {
    expect(meaningOf(said(code), WHOSE)).toBeInstanceOf(RetriableError);
    expect(refusalOf(said(code))).toBeUndefined();
  });

  test.each(Object.keys(FATAL_CODES))('%s is not', (code) => {
    const error = meaningOf(said(code), WHOSE);
    expect(error).toBeInstanceOf(FatalError);
    expect(describeError(error)).toContain(FATAL_CODES[code]!.words(WHOSE));
  });

  test.each(['22001', '22003', '22021', '22P02', '22P05', '23514', '54000'])('%s is about a row', (code) => {
    expect(refusalOf(said(code, 'too\nlong'))).toBe(`SQLSTATE ${code}: too long`);
  });

  test('what no server said is worth another attempt, and a bug is not', () => {
    const refused = Object.assign(new Error('connect'), { code: 'ECONNREFUSED' });
    expect(meaningOf(refused, WHOSE)).toBeInstanceOf(RetriableError);
    const bug = new TypeError('x is not a function');
    expect(meaningOf(bug, WHOSE)).toBe(bug);
  });
});

describe.skipIf(POSTGRESQL.missing !== undefined)('a real server', () => {
  let fixture: SqlFixture;
  beforeAll(async () => {
    fixture = await openFixture(POSTGRESQL);
  });
  afterAll(() => fixture[Symbol.asyncDispose]());
  const run = (sql: string) => fixture.server.rows(sql);
  const batch = batchOf('log', 'token', [aLog(1)]);

  test('means by the codes what we do', async () => {
    const names = {
      ...Object.fromEntries(Object.entries(ROW_CLASSES).map(([code, name]) => [`${code}000`, name])),
      ...Object.fromEntries(Object.entries(FATAL_CODES).map(([code, { name }]) => [code, name])),
    };
    for (const [code, name] of Object.entries(names)) {
      await expect(run(`DO $$ BEGIN RAISE ${name}; END $$`)).rejects.toMatchObject({ code });
    }
  });

  test('that may only be read is waited for', async () => {
    await run('ALTER USER admin SET default_transaction_read_only = on');
    const sink = fixture.makeSink();
    await expect(sink.write(batch, never)).rejects.toThrow(RetriableError);
    await sink.close();
    await run(
      'SET default_transaction_read_only = off; ALTER USER admin RESET default_transaction_read_only',
    );
    await expect(fixture.sink.write(batch, never)).resolves.toEqual({ refused: [] });
  });

  test('that has no connection left is waited for', async () => {
    await run("CREATE USER crowd PASSWORD 'pw' CONNECTION LIMIT 0");
    const sink = fixture.makeSink({ username: 'crowd', password: 'pw' });
    await expect(sink.open(never)).rejects.toThrow('SQLSTATE 53300');
    await expect(sink.open(never)).rejects.toThrow(RetriableError);
    await sink.close();
  });

  test('whose database cannot hold every text is refused, in words', async () => {
    await run("CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'");
    const sink = fixture.makeSink({ database: 'latin' });
    await expect(sink.open(never)).rejects.toThrow(FatalError);
    await expect(sink.open(never)).rejects.toThrow('encoded in LATIN1');
    await sink.close();
  });

  test('commits to the disk before it answers, whatever its default', async () => {
    await run('ALTER USER admin SET synchronous_commit = off');
    await run(`CREATE FUNCTION tranweave.check_commit() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      IF current_setting('synchronous_commit') = 'off' THEN RAISE 'not on the disk'; END IF; RETURN NEW; END $$`);
    await run(
      'CREATE TRIGGER check_commit BEFORE INSERT ON tranweave.tracking_log FOR EACH ROW EXECUTE FUNCTION tranweave.check_commit()',
    );
    const sink = fixture.makeSink();
    await expect(sink.write(batchOf('log', 'other', [aLog(2)]), never)).resolves.toEqual({ refused: [] });
    await sink.close();
  });

  test('makes tables in schemas side by side', async () => {
    const sink = fixture.makeSink({ schema: 'other' });
    await sink.open(never);
    await sink.write(batch, never);
    expect(await run('SELECT count(*) AS n FROM other.tracking_log')).toEqual([{ n: 1 }]);
    await sink.close();
  });
});
