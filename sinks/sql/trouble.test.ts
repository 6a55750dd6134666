import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { describeError, FatalError, RetriableError } from '../../common/errors.ts';
import { ROWS_REFUSED_MAX } from '../halving.ts';
import { aDeadLetter, aLog, aSummary, batchOf } from '../testing/rows.ts';
import { startProxy } from '../testing/proxy.ts';
import { describeEachStore, never, openFixture } from './fixture.ts';
import type { SqlFixture } from './fixture.ts';

/** What real servers do to those who write, and what becomes of it. */

describeEachStore((kit) => {
  let fixture: SqlFixture;
  beforeAll(async () => {
    fixture = await openFixture(kit);
  });
  beforeEach(() => fixture.empty());
  afterAll(() => fixture[Symbol.asyncDispose]());

  const run = (sql: string) => fixture.server.rows(sql.replaceAll('{}', kit.prefix));
  const logs = (n: number, change: (i: number) => object = () => ({})) =>
    Array.from({ length: n }, (_, i) => ({ ...aLog(i), ...change(i) }));
  const count = async () => (await fixture.read('tracking_log')).length;
  const thrown = async (work: Promise<unknown>) =>
    work.then(
      () => undefined,
      (error: unknown) => error,
    );

  describe('rows that only the server refuses', () => {
    /** A rule that somebody added. */
    beforeAll(() => run("ALTER TABLE {}tracking_log ADD CONSTRAINT no_secrets CHECK (payload <> 'secret')"));
    afterAll(() => run('ALTER TABLE {}tracking_log DROP CONSTRAINT no_secrets'));

    test('are found among the others, wherever they are, and named with its reason', async () => {
      const bad = [0, 1, 500, 1023, 1999];
      const rows = logs(2000, (i) => (bad.includes(i) ? { payload: 'secret' } : {}));
      for (let time = 0; time < 2; time += 1) {
        const { refused } = await fixture.sink.write(batchOf('log', 'bad', rows), never);
        expect(refused.map(({ index }) => index)).toEqual(bad);
        for (const { reason } of refused)
          expect(reason).toMatch(/^(SQLSTATE 23514|ER_CONSTRAINT_FAILED): .*no_secrets/);
        expect(await count()).toBe(1995);
      }
    });

    test('are named together with those that are refused before', async () => {
      const rows: (object | string)[] = logs(10, (i) => (i === 7 ? { payload: 'secret' } : {}));
      rows[2] = 'no row';
      rows[9] = { ...aLog(9), attempt: 2 ** 40 };
      const { refused } = await fixture.sink.write(batchOf('log', 'both', rows), never);
      expect(refused.map(({ index }) => index)).toEqual([2, 7, 9]);
      expect(await count()).toBe(7);
    });

    test('if they are too many, are no matter of rows: the batch waits until the table fits', async () => {
      const rows = logs(ROWS_REFUSED_MAX + 10, (i) => (i > 0 ? { payload: 'secret' } : {}));
      const error = await thrown(fixture.sink.write(batchOf('log', 'many', rows), never));
      expect(error).toBeInstanceOf(RetriableError);
      expect(describeError(error)).toMatch(/refuses more than 256 rows.*no_secrets/s);
    });
  });

  test('a field that a newer release writes in all rows makes the batch wait', async () => {
    const rows = Array.from({ length: ROWS_REFUSED_MAX + 1 }, (_, i) => ({
      ...aDeadLetter(i),
      colour: 'red',
    }));
    expect(await thrown(fixture.sink.write(batchOf('dead_letter', 'newer', rows), never))).toBeInstanceOf(
      RetriableError,
    );
    expect(await count()).toBe(0);
  });

  test('a table that is not there for now is waited for', async () => {
    await run('ALTER TABLE {}tracking_log RENAME TO elsewhere');
    const error = await thrown(fixture.sink.write(batchOf('log', 'gone', logs(1)), never));
    await run('ALTER TABLE {}elsewhere RENAME TO tracking_log');
    expect(error).toBeInstanceOf(RetriableError);
    expect(await fixture.sink.write(batchOf('log', 'gone', logs(1)), never)).toEqual({ refused: [] });
  });

  test('a user without a password is told that it wants one, or that it is not let in', async () => {
    const nobody = fixture.makeSink({ password: '' });
    const error = await thrown(nobody.open(never));
    expect(error).toBeInstanceOf(FatalError);
    expect(describeError(error)).toContain('password');
    await nobody.close();
  });

  test('a user who may only read is told that rights are missing', async () => {
    await run(`CREATE USER reader${kit.type === 'mysql' ? " IDENTIFIED BY 'pw'" : " PASSWORD 'pw'"}`);
    await run(
      kit.type === 'mysql'
        ? 'GRANT SELECT ON tranweave.* TO reader'
        : 'GRANT USAGE ON SCHEMA tranweave TO reader; GRANT SELECT ON ALL TABLES IN SCHEMA tranweave TO reader',
    );
    const reader = fixture.makeSink({ username: 'reader', password: 'pw' });
    // All migrations are applied, so opening changes nothing.
    await reader.open(never);
    const error = await thrown(reader.write(batchOf('log', 'reader', logs(1)), never));
    expect(error).toBeInstanceOf(FatalError);
    expect(describeError(error)).toMatch(/user reader lacks rights/);
    await reader.close();
  });

  test('a server that never answers is given up after the time that it may take', async () => {
    await using proxy = await startProxy(fixture.server.url);
    const url = `${new URL(fixture.server.url).protocol}//127.0.0.1:${proxy.port}`;
    const other = fixture.makeSink({ url, request_timeout: '1s' });
    await other.open(never);
    proxy.setSilent(true);
    const error = await thrown(other.write(batchOf('log', 'silent', logs(1)), never));
    expect(error).toBeInstanceOf(RetriableError);
    expect(describeError(error)).toContain('did not answer within 1 s');
    await other.close();
  });

  test('a row that somebody else holds is waited for so long, and no longer', async () => {
    await fixture.sink.write(batchOf('summary', 'one', [aSummary(1)]), never);
    const other = fixture.makeSink({ request_timeout: '1s' });
    const letGo = await kit.hold(
      fixture.server,
      `UPDATE ${kit.prefix}transaction_summary SET status = 'held'`,
    );
    const batch = batchOf('summary', 'two', [aSummary(1, { version: 2, status: 'completed' })]);
    const error = await thrown(other.write(batch, never));
    expect(error).toBeInstanceOf(RetriableError);
    await letGo();
    await other.write(batch, never);
    expect((await fixture.read('transaction_summary')).map((row) => row['status'])).toEqual(['completed']);
    await other.close();
  });

  test('a server that stops in between is waited for, and found again', async () => {
    const batch = batchOf('log', 'restart', logs(100));
    await fixture.server.shutDown();
    expect(await thrown(fixture.sink.write(batch, never))).toBeInstanceOf(RetriableError);
    expect(await thrown(fixture.sink.write(batch, never))).toBeInstanceOf(RetriableError);
    await fixture.server.start();
    expect(await fixture.sink.write(batch, never)).toEqual({ refused: [] });
    expect(await count()).toBe(100);
  });

  test('writers that bring the same rows in another order do not get into each other for good', async () => {
    const rows = Array.from({ length: 400 }, (_, i) => aSummary(i, { version: 2 }));
    const others = Array.from({ length: 4 }, () => fixture.makeSink());
    const orders = [rows, rows.toReversed(), rows.slice(200).concat(rows.slice(0, 200)), rows];
    const results = await Promise.allSettled(
      others.map((other, i) => other.write(batchOf('summary', `order ${i}`, orders[i]!), never)),
    );
    // A deadlock costs one of them its attempt, which the worker repeats.
    for (const result of results)
      if (result.status === 'rejected') expect(result.reason).toBeInstanceOf(RetriableError);
    expect((await fixture.read('transaction_summary')).length).toBe(400);
    await Promise.all(others.map((other) => other.close()));
  });
});
