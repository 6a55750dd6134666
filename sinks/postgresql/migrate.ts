import type { Client } from 'pg';
import { FatalError } from '../../common/errors.ts';
import { migrationsIn, statementsOf } from '../migration-files.ts';

/**
 * The tables, by numbered migrations: migrations/NNN-title.sql, applied in their order at a sinks process' start, all in the one transaction of the client
 * and under a lock: of several processes that start together the first does it, and the others find it done. Where all are applied, nothing is
 * changed, so a user without the right to make tables may work in those that were made for it.
 */
const DIR = new URL('./migrations/', import.meta.url);

/** All of them, in their order. */
export const migrations = () => migrationsIn(DIR);

/** The number that PostgreSQL's `server_version_num` begins with. */
const MAJOR_MIN = 13;

export async function migrate(client: Client, schema: string): Promise<void> {
  await checkServer(client);
  // By a number of ours and the schema's name: two schemas are made side by side.
  await client.query("SELECT pg_advisory_xact_lock(hashtext('tranweave migrate'), hashtext($1))", [schema]);
  const applied = await appliedIn(client, schema);
  for (const { version, title, sql } of migrations()) {
    if (applied.has(version)) continue;
    for (const statement of statementsOf(sql, { schema })) await client.query(statement);
    await client.query(`INSERT INTO ${schema}.schema_migrations (version, title) VALUES ($1, $2)`, [
      version,
      title,
    ]);
  }
}

async function checkServer(client: Client): Promise<void> {
  const { rows } = await client.query<{ version: string; encoding: string }>(
    "SELECT current_setting('server_version_num') AS version, current_setting('server_encoding') AS encoding",
  );
  const { version = '', encoding = '' } = rows[0] ?? {};
  if (Math.floor(Number(version) / 10_000) < MAJOR_MIN)
    throw new FatalError(`this PostgreSQL is too old: Tranweave needs ${MAJOR_MIN} or newer`);
  if (encoding !== 'UTF8')
    throw new FatalError(
      `the database is encoded in ${encoding}, which cannot hold every text: make one with ENCODING 'UTF8'`,
    );
}

async function appliedIn(client: Client, schema: string): Promise<Set<number>> {
  const { rows: found } = await client.query<{ schema: boolean; migrations: boolean }>(
    "SELECT to_regnamespace($1) IS NOT NULL AS schema, to_regclass($1 || '.schema_migrations') IS NOT NULL AS migrations",
    [schema],
  );
  if (found[0]?.schema !== true) await client.query(`CREATE SCHEMA ${schema}`);
  if (found[0]?.migrations !== true) {
    await client.query(
      `CREATE TABLE ${schema}.schema_migrations (version integer PRIMARY KEY, title text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())`,
    );
    await client.query(
      `COMMENT ON TABLE ${schema}.schema_migrations IS 'Migrations of Tranweave that were applied'`,
    );
  }
  const { rows } = await client.query<{ version: number }>(`SELECT version FROM ${schema}.schema_migrations`);
  return new Set(rows.map(({ version }) => version));
}
