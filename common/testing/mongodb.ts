import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { accessSync, constants } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { MongoClient } from 'mongodb';
import type { Db } from 'mongodb';
import { freePort } from './redis-server.ts';
import { until } from './until.ts';

/**
 * A real server that speaks MongoDB's protocol: the one at MONGODB_URL, else `mongod` or `ferretdb`, on PATH or where `npm test` built it, of a
 * test's own: free port, temporary folder.
 */
export interface TestMongo extends AsyncDisposable {
  /** `mongodb://host:port`, for a sink's `url`, with `username` and `password` where MONGODB_URL names some. */
  url: string;
  credentials: { username?: string; password?: string };
  /** A database of the test's own, dropped when it stops. */
  database: string;
  db: Db;
  stop(): Promise<void>;
}

export interface MongoOptions {
  /** Wants a user; only FerretDB can be told of one at its start. */
  user?: { username: string; password: string };
}

const START_MS_MAX = 20_000;
const OWN_BIN = fileURLToPath(new URL('../../.cache/bin', import.meta.url));

/** Undefined where there is none: what needs one is skipped then, and `npm test` has said so. */
export const mongoServer: string | undefined = process.env['MONGODB_URL'] ?? findFile('mongod', 'ferretdb');

/** Whether it is FerretDB, which lacks some of what MongoDB can. */
export const isFerret: boolean = mongoServer !== undefined && basename(mongoServer) === 'ferretdb';

export async function startMongo(options: MongoOptions = {}): Promise<TestMongo> {
  if (mongoServer === undefined) throw new Error('there is no MongoDB here');
  const database = `tranweave_test_${randomUUID().slice(0, 8)}`;
  const { url, credentials, end } = process.env['MONGODB_URL']
    ? { ...splitUrl(mongoServer), end: () => Promise.resolve() }
    : await launch(mongoServer, options);
  const { username, password } = options.user ?? credentials;
  const client = new MongoClient(url, {
    serverSelectionTimeoutMS: START_MS_MAX,
    ...(username === undefined ? {} : { auth: { username, password: password ?? '' } }),
  });
  const db = client.db(database);
  const stop = async () => {
    await db.dropDatabase().catch(() => undefined);
    await client.close();
    await end();
  };
  await db.command({ ping: 1 });
  return { url, credentials, database, db, stop, [Symbol.asyncDispose]: stop };
}

/** A server that can be spoken to, and how to be done with it. */
interface Spoken {
  url: string;
  credentials: TestMongo['credentials'];
  end: () => Promise<void>;
}

function splitUrl(text: string): Omit<Spoken, 'end'> {
  const [, scheme = '', user, password, rest = ''] =
    /^(mongodb\S*:\/\/)(?:([^:@]*):([^@]*)@)?(.*)$/.exec(text) ?? [];
  const credentials =
    user === undefined
      ? {}
      : { username: decodeURIComponent(user), password: decodeURIComponent(password ?? '') };
  return { url: `${scheme}${rest}`, credentials };
}

async function launch(file: string, options: MongoOptions): Promise<Spoken> {
  const dir = await mkdtemp(join(tmpdir(), 'tranweave-mongodb-'));
  const port = await freePort();
  const args = isFerret ? ferretArgs(dir, port, options) : mongodArgs(dir, port);
  const child: ChildProcess = spawn(file, args, { stdio: ['ignore', 'ignore', 'pipe'], cwd: dir });
  let output = '';
  child.stderr?.on('data', (chunk: Buffer) => (output = (output + chunk.toString()).slice(-4000)));
  const exited = once(child, 'exit');
  const url = `mongodb://127.0.0.1:${port}`;
  await until(`${file} answers`, () => answers(url, child, () => output), START_MS_MAX);
  const end = async () => {
    child.kill('SIGKILL');
    await exited;
    await rm(dir, { recursive: true, force: true });
  };
  return { url, credentials: {}, end };
}

async function answers(url: string, child: ChildProcess, output: () => string): Promise<boolean> {
  if (child.exitCode !== null) throw new Error(`the server ended with ${child.exitCode}: ${output()}`);
  const client = new MongoClient(url, { serverSelectionTimeoutMS: 500 });
  try {
    // `hello` is answered to whoever asks, also without a password.
    await client.db('admin').command({ hello: 1 });
    return true;
  } catch {
    return false;
  } finally {
    await client.close();
  }
}

function mongodArgs(dir: string, port: number): string[] {
  return ['--dbpath', dir, '--port', String(port), '--bind_ip', '127.0.0.1', '--nounixsocket'];
}

function ferretArgs(dir: string, port: number, { user }: MongoOptions): string[] {
  return [
    '--handler=sqlite',
    `--listen-addr=127.0.0.1:${port}`,
    `--sqlite-url=file:${dir}/`,
    `--state-dir=${dir}`,
    '--debug-addr=-',
    '--telemetry=disable',
    '--log-level=error',
    ...(user === undefined
      ? []
      : [
          '--test-enable-new-auth',
          '--setup-database=admin',
          `--setup-username=${user.username}`,
          `--setup-password=${user.password}`,
        ]),
  ];
}

function findFile(...names: string[]): string | undefined {
  const dirs = [...(process.env['PATH'] ?? '').split(delimiter), OWN_BIN];
  return names.flatMap((name) => dirs.map((dir) => join(dir, name))).find(isExecutable);
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
