import { readFileSync } from 'node:fs';
import { chown, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createConnection } from 'mysql2/promise';
import type { Connection, ConnectionOptions, RowDataPacket } from 'mysql2/promise';
import { findProgram, launch, launchOnFreePort, runCommand, unprivileged } from './server-process.ts';

/** A real MariaDB of a test's own: free port, temporary folder, an empty database `tranweave`. */
export interface TestMariadb extends AsyncDisposable {
  url: string;
  port: number;
  /** May do everything. */
  username: string;
  password: string;
  database: string;
  /** Rows of a query by the administrator in the database `tranweave`; times are texts, JSON too. */
  rows<T extends object>(sql: string, values?: readonly unknown[]): Promise<T[]>;
  /** Ends it as an administrator would; its files stay, so that `start` finds them. */
  shutDown(): Promise<void>;
  start(): Promise<void>;
  /** Ends it and removes its folder. Safe twice. */
  stop(): Promise<void>;
}

const USERNAME = 'admin';
const PASSWORD = 'a password';
const DATABASE = 'tranweave';
/** Nothing is kept beyond the test, and no machine dies in it: the disk need not be waited for. */
const OPTIONS = [
  '--bind-address=127.0.0.1',
  '--skip-name-resolve',
  '--skip-log-bin',
  '--innodb-flush-log-at-trx-commit=2',
  '--innodb-buffer-pool-size=32M',
  '--innodb-log-file-size=32M',
];
/** The statements that make the system's tables, in a folder beside the programs. */
const SYSTEM_TABLES = [
  'mysql_system_tables.sql',
  'mysql_performance_tables.sql',
  'mysql_system_tables_data.sql',
];

/** MariaDB's server program; undefined if it is not installed. */
export function findMariadb(): string | undefined {
  return findProgram('mariadbd');
}

/** @param options besides the usual ones: `--require-secure-transport=on`. */
export async function startMariadb(options: readonly string[] = []): Promise<TestMariadb> {
  const program = findMariadb();
  if (program === undefined) throw new Error('MariaDB is not installed');
  // It refuses to run as root.
  const as = unprivileged('mysql');
  const dir = await mkdtemp(join(tmpdir(), 'tranweave-mariadb-'));
  const data = join(dir, 'data');
  // Servers that share a folder for temporary tables remove each other's as they start.
  const temporary = join(dir, 'tmp');
  await mkdir(join(data, 'mysql'), { recursive: true });
  await mkdir(temporary);
  if (as !== undefined)
    for (const made of [dir, data, join(data, 'mysql'), temporary]) await chown(made, as.uid, as.gid);
  const common = ['--no-defaults', `--datadir=${data}`, `--tmpdir=${temporary}`, ...OPTIONS];
  await runCommand(program, [...common, '--bootstrap', '--silent-startup', '--enforce-storage-engine='], {
    as,
    input: systemTables(program),
  });
  const on = (port: number) => ({
    file: program,
    args: [...common, ...options, `--port=${port}`, `--socket=${join(dir, 'socket')}`],
    ready: 'ready for connections',
    as,
  });
  const first = await launchOnFreePort(on);
  const { port } = first;
  let { server } = first;
  const login = { host: '127.0.0.1', port, dateStrings: true, charset: 'utf8mb4', typeCast };
  await prepare(await createConnection({ ...login, user: 'root' }));
  let asking: Promise<Connection> | undefined;
  const ask = () =>
    (asking ??= connect({ ...login, user: USERNAME, password: PASSWORD, database: DATABASE }));
  const forget = async () => {
    const connection = await asking;
    asking = undefined;
    connection?.destroy();
  };
  const shutDown = async () => {
    await forget();
    await server.end('SIGTERM');
  };
  const stop = async () => {
    await shutDown();
    await rm(dir, { recursive: true, force: true });
  };
  return {
    url: `mysql://127.0.0.1:${port}`,
    port,
    username: USERNAME,
    password: PASSWORD,
    database: DATABASE,
    rows: async <T extends object>(sql: string, values: readonly unknown[] = []) => {
      const [rows] = await (await ask()).query<RowDataPacket[]>(sql, [...values]);
      return rows as T[];
    },
    shutDown,
    start: async () => {
      server = await launch(on(port));
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

type TypeCast = NonNullable<Exclude<ConnectionOptions['typeCast'], boolean>>;

async function connect(options: ConnectionOptions): Promise<Connection> {
  const connection = await createConnection(options);
  connection.on('error', () => undefined);
  return connection;
}

/** Doubles are texts on the wire, and the driver's own way to read them is off by the last bit now and then. */
const typeCast: TypeCast = (field, next) => {
  if (field.type !== 'DOUBLE') return next();
  const text = field.string();
  return text === null ? null : Number(text);
};

/** Each statement in one line or ended by a semicolon, as `--bootstrap` reads them. */
function systemTables(program: string): string {
  const prefix = dirname(dirname(program));
  const folders = [
    join(prefix, 'share', 'mysql'),
    join(prefix, 'share', 'mariadb'),
    '/usr/share/mysql',
    '/usr/share/mariadb',
  ];
  const folder = folders.find((candidate) => exists(join(candidate, SYSTEM_TABLES[0] ?? '')));
  if (folder === undefined) throw new Error(`MariaDB's system tables are not in ${folders.join(', ')}`);
  return [
    'create database if not exists mysql;\nuse mysql;\nSET @auth_root_socket=NULL;\nSET @skip_auth_anonymous=1;\n',
    ...SYSTEM_TABLES.map((file) => readFileSync(join(folder, file), 'utf8')),
  ].join('');
}

function exists(file: string): boolean {
  try {
    readFileSync(file);
    return true;
  } catch {
    return false;
  }
}

async function prepare(connection: Connection): Promise<void> {
  await connection.query(`CREATE DATABASE ${DATABASE} CHARACTER SET utf8mb4`);
  await connection.query(`CREATE USER ${USERNAME}@'%' IDENTIFIED BY '${PASSWORD}'`);
  await connection.query(`GRANT ALL ON *.* TO ${USERNAME}@'%' WITH GRANT OPTION`);
  await connection.end();
}
