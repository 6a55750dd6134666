import { fileURLToPath } from 'node:url';
import type * as Chdb from 'chdb';
import type { Session } from 'chdb';
import { FatalError } from '../../common/errors.ts';
import { makeFolder } from '../make-folder.ts';
import { clickHouseError, partsOf } from './clickhouse-error.ts';
import { createGate } from './gate.ts';
import type { Gate } from './gate.ts';
import { RequestError } from './request.ts';
import { createRowFiles, rowFolderOf } from './row-files.ts';
import type { RowFiles } from './row-files.ts';
import { createSessionPool, quoteText } from './session-pool.ts';
import type { MarkedSession, SessionPool } from './session-pool.ts';
import { createStatementReader } from './statement.ts';
import type { StatementReader } from './statement.ts';

/**
 * The ClickHouse engine in this process, by chdb. One data folder per process; several sessions of it run side by side. It computes on the
 * threads of Node's pool (UV_THREADPOOL_SIZE, 4 if not set), of which two are kept for changes and for the rest of the process.
 */
export interface Engine {
  sessions: SessionPool;
  statements: StatementReader;
  /** Queries that only read, until their answer is sent: each may hold a block of rows. */
  reading: Gate;
  /** Those of them that compute, which is a small part of their time when the reader is slow. */
  turns: Gate;
  /** Inserts and all other changes. */
  changing: Gate;
  /** What inserts of rows read. */
  rowFiles: RowFiles;
  /** Does the work, and ends what runs in the session when the signal aborts, as soon as the engine looks for it (some 10 ms). */
  endingOn<T>(signal: AbortSignal, session: MarkedSession, work: () => Promise<T>): Promise<T>;
  version: string;
  timezone: string;
  close(): void;
}

/** More changes at a time than the cores would only add memory. */
const CHANGING = 4;
const READING = 16;
/** Waiting at each gate; the rest is answered as ClickHouse does, with TOO_MANY_SIMULTANEOUS_QUERIES. */
const WAITING_MAX = 200;
const THREADS = Number(process.env['UV_THREADPOOL_SIZE'] ?? 4);
const THREADS_KEPT = 2;
/** A query may not have begun yet when it is first looked for. */
const END_INTERVAL_MS = 100;
/** The rights of sessions, of which the engine reads its users from here. */
const RIGHTS = fileURLToPath(new URL('rights.xml', import.meta.url));
/** Table functions that reach beyond the tables, too, and that the engine does not count among those that readonly forbids. */
const TABLES_BEYOND = ['eval', 'cluster', 'clusterAllReplicas'];

/**
 * Settings of a small server. ClickHouse sizes its caches for a machine of its own; beside a collector it must be modest.
 * https://clickhouse.com/docs/operations/server-configuration-parameters/settings
 */
const CONNECTION_ARGS = [
  `--config-file=${RIGHTS}`,
  `--users_config=${RIGHTS}`,
  '--mark_cache_size=67108864',
  '--index_mark_cache_size=33554432',
  '--uncompressed_cache_size=0',
  '--max_server_memory_usage=2147483648',
  // One merge at a time: parts that wait meanwhile are merged together, so that rows are rewritten less often.
  '--background_pool_size=1',
  '--background_merges_mutations_concurrency_ratio=1',
];

/** Throws a FatalError, in words, when the engine is not installed, or the folder is in use or has a name that it cannot have. */
export async function openEngine(dataDir: string): Promise<Engine> {
  const { Session } = await loadChdb();
  const rowFolder = rowFolderOf(dataDir);
  makeFolder(dataDir);
  const open = () => new Session(dataDir, { connectionArgs: CONNECTION_ARGS });
  let first: Session;
  try {
    first = open();
  } catch (error) {
    throw new FatalError(`ClickHouse cannot open ${dataDir}; another process may be using it`, {
      cause: error,
    });
  }
  const ask = (sql: string) => first.query(sql, 'TSVRaw').trim();
  const names = (sql: string) => ask(sql).split('\n');
  const beyond = {
    tables: [...TABLES_BEYOND, ...names('SELECT name FROM system.table_functions WHERE NOT allow_readonly')],
    functions: names(
      "SELECT name FROM system.functions WHERE name IN ('file', 'catboostEvaluate') OR name ILIKE 'ai%'",
    ),
  };
  const sessions = createSessionPool(open);
  return {
    sessions,
    statements: createStatementReader((sql) => normalize(first, sql), beyond),
    reading: createGate(READING, WAITING_MAX),
    turns: createGate(Math.max(1, THREADS - THREADS_KEPT), READING),
    changing: createGate(CHANGING, WAITING_MAX),
    rowFiles: createRowFiles(rowFolder),
    endingOn: (signal, { mark }, work) =>
      endingOn(signal, work, () => {
        first.query(`KILL QUERY WHERE startsWith(Settings['log_comment'], ${quoteText(mark)}) ASYNC`);
      }),
    version: ask('SELECT version()'),
    timezone: ask('SELECT timezone()'),
    close: () => {
      sessions.close();
      first.close();
    },
  };
}

async function endingOn<T>(signal: AbortSignal, work: () => Promise<T>, end: () => void): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const begin = () => {
    end();
    timer = setInterval(end, END_INTERVAL_MS);
  };
  signal.throwIfAborted();
  signal.addEventListener('abort', begin, { once: true });
  try {
    return await work();
  } finally {
    signal.removeEventListener('abort', begin);
    clearInterval(timer);
  }
}

/** A statement as the engine's own parser reads it; an error's words are about the statement, not about our asking. */
function normalize(session: Session, sql: string): string {
  try {
    return session.query(`SELECT formatQuery(${quoteText(sql)})`, 'TSVRaw');
  } catch (error) {
    const { code, name, words } = partsOf(error);
    throw new RequestError(
      clickHouseError(code, name, words.replace(/: In scope SELECT formatQuery\([\s\S]*$/, '')),
    );
  }
}

async function loadChdb(): Promise<typeof Chdb> {
  try {
    return await import('chdb');
  } catch (error) {
    throw new FatalError(
      'the embedded ClickHouse (package chdb) is not installed here: run `npm install --include=optional`, or set `url` of the ' +
        'ClickHouse sink to a server and `up.clickhouse: false`',
      { cause: error },
    );
  }
}
