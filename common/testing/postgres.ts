import { readdirSync } from 'node:fs';
import { chown, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import pg from 'pg';
import { findProgram, launch, launchOnFreePort, runCommand, unprivileged } from './server-process.ts';

/** A real PostgreSQL of a test's own: free port, temporary folder, an empty database `tranweave`. */
export interface TestPostgres extends AsyncDisposable {
  url: string;
  port: number;
  /** May do everything. Whoever connects must know a password. */
  username: string;
  password: string;
  database: string;
  /** Rows of a query by the administrator; numbers of 64 bits and JSON are parsed, times are texts. */
  rows<T extends object>(sql: string, values?: readonly unknown[]): Promise<T[]>;
  /** Ends it as an administrator would; its files stay, so that `start` finds them. */
  shutDown(): Promise<void>;
  start(): Promise<void>;
  /** Ends it and removes its folder. Safe twice. */
  stop(): Promise<void>;
}

const PASSWORD = 'a password';
const USERNAME = 'admin';
const DATABASE = 'tranweave';

/** The folder of PostgreSQL's programs, the newest if there are several; undefined if it is not installed. */
export function findPostgres(): string | undefined {
  const program = findProgram('initdb', debianFolders());
  return program === undefined ? undefined : dirname(program);
}

function debianFolders(): string[] {
  const root = '/usr/lib/postgresql';
  try {
    return readdirSync(root)
      .sort((a, b) => Number(b) - Number(a))
      .map((version) => join(root, version, 'bin'));
  } catch {
    return [];
  }
}

/** @param settings besides the usual ones: `ssl=on`. */
export async function startPostgres(settings: readonly string[] = []): Promise<TestPostgres> {
  const bin = findPostgres();
  if (bin === undefined) throw new Error('PostgreSQL is not installed');
  // It refuses to run as root.
  const as = unprivileged('postgres');
  const dir = await mkdtemp(join(tmpdir(), 'tranweave-postgres-'));
  if (as !== undefined) await chown(dir, as.uid, as.gid);
  const data = join(dir, 'data');
  // Not by its input, which the other account may not read.
  const passwordFile = join(dir, 'password');
  await writeFile(passwordFile, `${PASSWORD}\n`);
  const trust = ['-U', USERNAME, '-A', 'scram-sha-256', `--pwfile=${passwordFile}`];
  await runCommand(join(bin, 'initdb'), ['-D', data, ...trust, '-E', 'UTF8', '--locale=C', '--no-sync'], {
    as,
  });
  const on = (port: number) => ({
    file: join(bin, 'postgres'),
    args: ['-D', data, '-p', String(port), ...[...OPTIONS, ...settings].flatMap((option) => ['-c', option])],
    ready: 'ready to accept connections',
    as,
  });
  const first = await launchOnFreePort(on);
  const { port } = first;
  let { server } = first;
  const login = { host: '127.0.0.1', port, user: USERNAME, password: PASSWORD };
  const maker = new pg.Client({ ...login, database: 'postgres' });
  await maker.connect();
  await maker.query(`CREATE DATABASE ${DATABASE}`);
  await maker.end();
  const pool = new pg.Pool({ ...login, database: DATABASE, max: 4, types: { getTypeParser } });
  pool.on('error', () => undefined);
  const stop = async () => {
    if (!pool.ending) await pool.end();
    await server.end('SIGINT');
    await rm(dir, { recursive: true, force: true });
  };
  return {
    url: `postgresql://127.0.0.1:${port}`,
    port,
    username: USERNAME,
    password: PASSWORD,
    database: DATABASE,
    rows: async <T extends object>(sql: string, values: readonly unknown[] = []) =>
      (await pool.query<T>(sql, [...values])).rows,
    shutDown: () => server.end('SIGINT'),
    start: async () => {
      server = await launch(on(port));
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

/** Nothing is kept beyond the test, and no machine dies in it: the disk need not be waited for. */
const OPTIONS = [
  'listen_addresses=127.0.0.1',
  'unix_socket_directories=',
  'fsync=off',
  'shared_buffers=32MB',
  'log_min_messages=log',
];

const [BOOL, BYTEA, INT8, INT2, INT4, JSON_, FLOAT8, JSONB, NUMERIC] = [
  16, 17, 20, 21, 23, 114, 701, 3802, 1700,
];
const NUMBERS: ReadonlySet<number | undefined> = new Set([INT8, INT2, INT4, FLOAT8, NUMERIC]);

/** By the types' numbers in PostgreSQL's catalog. */
function getTypeParser(oid: number): (text: string) => unknown {
  if (NUMBERS.has(oid)) return Number;
  if (oid === BOOL) return (text) => text === 't';
  if (oid === JSON_ || oid === JSONB) return JSON.parse as (text: string) => unknown;
  if (oid === BYTEA) return (text) => Buffer.from(text.slice(2), 'hex');
  return (text) => text;
}
