import { createHash } from 'node:crypto';
import { FatalError, RetriableError } from '../../common/errors.ts';
import type { Logger } from '../../common/logger.ts';
import { migrationsIn, statementsOf } from '../migration-files.ts';
import type { Session } from './connection.ts';

/**
 * The tables, by numbered migrations: migrations/NNN-title.sql, applied in their order at a sinks process' start and under a lock: of several processes
 * that start together the first does it, and the others find it done. MySQL has no transactions for them, so each statement may run twice (IF NOT
 * EXISTS), and one that died half-way is repeated. Where all are applied, nothing is changed, so a user without the right to make tables may work in those
 * that were made for it.
 */
const DIR = new URL('./migrations/', import.meta.url);

/** All of them, in their order. */
export const migrations = () => migrationsIn(DIR);

/** How long to wait for another process that is at it. */
const LOCK_SECONDS_MAX = 60;

export async function migrate(session: Session, database: string, logger: Logger): Promise<void> {
  const collation = await checkServer(session);
  await checkDurability(session, logger);
  const mine = await withLock(session, `migrate ${database}`, LOCK_SECONDS_MAX, async () => {
    const applied = await appliedIn(session);
    for (const { version, title, sql } of migrations()) {
      if (applied.has(version)) continue;
      for (const statement of statementsOf(sql, { collation })) await session.run(statement);
      await session.run(
        session.format('INSERT IGNORE INTO schema_migrations (version, title) VALUES (?, ?)', [
          version,
          title,
        ]),
      );
    }
    return true;
  });
  if (mine === undefined) throw new RetriableError('another process is making the tables');
}

/** Runs the work if nobody has the lock, waiting for it so long; undefined if it could not be had. A connection that ends lets go of it. */
export async function withLock<T>(
  session: Session,
  what: string,
  secondsMax: number,
  work: () => Promise<T>,
): Promise<T | undefined> {
  // Names are of 64 characters at most.
  const name = `tranweave ${createHash('sha1').update(what).digest('hex')}`;
  const [got] = await session.rows<{ mine: number | null }>('SELECT GET_LOCK(?, ?) AS mine', [
    name,
    secondsMax,
  ]);
  if (got?.mine !== 1) return undefined;
  try {
    return await work();
  } finally {
    await session.rows('SELECT RELEASE_LOCK(?) AS released', [name]);
  }
}

/** What each server needs to be, and its collation that compares byte by byte, spaces at the end included. */
const MYSQL = { number: 800, words: 'MySQL 8.0.17', collation: 'utf8mb4_0900_bin' };
const MARIADB = { number: 1006, words: 'MariaDB 10.6', collation: 'utf8mb4_nopad_bin' };

/** Returns the collation of the tables. Throws a FatalError if the server is too old. */
async function checkServer(session: Session): Promise<string> {
  const [server] = await session.rows<{ version: string }>('SELECT VERSION() AS version');
  const version = server?.version ?? '';
  const [, major = '0', minor = '0'] = /^(\d+)\.(\d+)/.exec(version) ?? [];
  const { number, words, collation } = version.includes('MariaDB') ? MARIADB : MYSQL;
  const found = await session.rows(
    'SELECT COLLATION_NAME FROM information_schema.COLLATIONS WHERE COLLATION_NAME = ?',
    [collation],
  );
  if (Number(major) * 100 + Number(minor) < number || found.length === 0)
    throw new FatalError(`the server is of version ${version}, and Tranweave needs ${words} or newer`);
  return collation;
}

/** No statement can set it for a session. */
async function checkDurability(session: Session, logger: Logger): Promise<void> {
  const [found] = await session.rows<{ value: number }>('SELECT @@innodb_flush_log_at_trx_commit AS value');
  if (found?.value === 1) return;
  logger.warn(
    { innodb_flush_log_at_trx_commit: found?.value },
    'the server answers before what it stores is on the disk: if its machine dies, rows are lost',
  );
}

async function appliedIn(session: Session): Promise<Set<number>> {
  const [found] = await session.rows<{ tables: number }>(
    "SELECT count(*) AS tables FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'schema_migrations'",
  );
  if (found?.tables !== 1) {
    await session.run(
      `CREATE TABLE IF NOT EXISTS schema_migrations (version INT NOT NULL PRIMARY KEY, title VARCHAR(200) NOT NULL, applied_at DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3))
       ENGINE = InnoDB CHARACTER SET utf8mb4 COMMENT 'Migrations of Tranweave that were applied'`,
    );
  }
  const rows = await session.rows<{ version: number }>('SELECT version FROM schema_migrations');
  return new Set(rows.map(({ version }) => version));
}
