import { createConnection } from 'mysql2/promise';
import pg from 'pg';
import * as v from 'valibot';
import { describe } from 'vitest';
import { systemClock } from '../../common/clock.ts';
import { silentLogger } from '../../common/logger.ts';
import { findMariadb, startMariadb } from '../../common/testing/mariadb.ts';
import { findPostgres, startPostgres } from '../../common/testing/postgres.ts';
import { createSink, sinkSchema } from '../registry.ts';
import type { Sink, SinkDeps } from '../sink.ts';
import { addressOf } from './settings.ts';
import type { FieldKind } from '../fields.ts';
import { TABLES } from './tables.ts';
import type { Table } from './tables.ts';

/** The SQL stores for tests: real servers with our tables in them, and rows as the streams have them. */
export interface SqlFixture extends AsyncDisposable {
  server: SqlServer;
  sink: Sink;
  /** Another sink on the same server, or with other settings and parts. */
  makeSink(settings?: object, deps?: Partial<SinkDeps>): Sink;
  /** All rows of a table, each value as it is in a row of the stream. */
  read(table: Table['name']): Promise<Record<string, unknown>[]>;
  /** Removes the rows of all tables. */
  empty(): Promise<void>;
}

/** What the tests' servers have in common. */
export interface SqlServer {
  url: string;
  username: string;
  password: string;
  database: string;
  rows<T extends object>(sql: string, values?: readonly unknown[]): Promise<T[]>;
  shutDown(): Promise<void>;
  start(): Promise<void>;
  stop(): Promise<void>;
}

export interface Kit {
  type: 'postgresql' | 'mysql';
  /** Why its tests cannot run here. */
  missing: string | undefined;
  start: () => Promise<SqlServer>;
  /** Before the name of each table. */
  prefix: string;
  /** Runs a statement in a transaction that stays open until it is let go, which undoes it. */
  hold: (server: SqlServer, sql: string) => Promise<() => Promise<void>>;
}

export const POSTGRESQL: Kit = {
  type: 'postgresql',
  missing: findPostgres() === undefined ? 'PostgreSQL is not installed' : undefined,
  start: startPostgres,
  prefix: 'tranweave.',
  hold: async ({ url, username: user, password, database }, sql) => {
    const client = new pg.Client({ ...addressOf(url, 0), user, password, database });
    await client.connect();
    await client.query('BEGIN');
    await client.query(sql);
    return () => client.end();
  },
};
export const MYSQL: Kit = {
  type: 'mysql',
  missing: findMariadb() === undefined ? 'MariaDB is not installed' : undefined,
  start: startMariadb,
  prefix: '',
  hold: async ({ url, username: user, password, database }, sql) => {
    const connection = await createConnection({ ...addressOf(url, 0), user, password, database });
    await connection.query('START TRANSACTION');
    await connection.query(sql);
    return () => connection.end();
  },
};
/** Runs a suite for each of them; for one that is not installed, it is skipped (sink-contract.test.ts says so). */
export function describeEachStore(suite: (kit: Kit) => void): void {
  for (const kit of [POSTGRESQL, MYSQL]) {
    describe.skipIf(kit.missing !== undefined)(kit.type, () => {
      suite(kit);
    });
  }
}

export const never = new AbortController().signal;

export async function openFixture(kit: Kit): Promise<SqlFixture> {
  const server = await kit.start();
  const makeSink = (settings: object = {}, deps: Partial<SinkDeps> = {}) => {
    const { url, database, username, password } = server;
    const config = v.parse(sinkSchema, {
      type: kit.type,
      name: 'store',
      url,
      database,
      username,
      password,
      ...settings,
    });
    return createSink(config, { name: 'store', clock: systemClock, logger: silentLogger(), ...deps });
  };
  const sink = makeSink();
  await sink.open(never);
  return {
    server,
    sink,
    makeSink,
    read: async (name) => {
      const table = Object.values(TABLES).find((candidate) => candidate.name === name);
      const rows = await server.rows<Record<string, unknown>>(`SELECT * FROM ${kit.prefix}${name}`);
      return rows.map((row) =>
        Object.fromEntries(
          (table?.columns ?? []).map((column) => [column.field, said(column.kind, row[column.name])]),
        ),
      );
    },
    empty: async () => {
      for (const { name } of Object.values(TABLES)) await server.rows(`DELETE FROM ${kit.prefix}${name}`);
    },
    [Symbol.asyncDispose]: async () => {
      await sink.close();
      await server.stop();
    },
  };
}

/** What a store shows, as the row of the stream said it. */
function said(kind: FieldKind, value: unknown): unknown {
  if (value === null) return null;
  if (kind === 'time' || kind === 'time?') return canonical(value as string);
  // MariaDB has neither booleans nor JSON.
  if (kind === 'boolean') return Boolean(value);
  if ((kind === 'map' || kind === 'steps') && typeof value === 'string') return JSON.parse(value) as unknown;
  if (kind === 'bytes') return (value as Buffer).toString('base64');
  return value;
}

/** `2026-01-31 09:15:00.12+00` and `2026-01-31 09:15:00.120000` → `2026-01-31T09:15:00.120000Z`. */
function canonical(shown: string): string {
  const [, day, second, fraction = ''] = /^(\S+) (\d\d:\d\d:\d\d)(?:\.(\d+))?(?:\+00)?$/.exec(shown) ?? [];
  return `${day}T${second}.${fraction.padEnd(6, '0')}Z`;
}
