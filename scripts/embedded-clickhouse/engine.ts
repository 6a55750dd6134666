import { mkdirSync } from 'node:fs';
import type * as Chdb from 'chdb';
import type { Session } from 'chdb';
import { FatalError } from '../../common/errors.ts';
import { createSessionPool } from './session-pool.ts';
import type { SessionPool } from './session-pool.ts';

/** The ClickHouse engine in this process, by chdb. One data folder per process; several sessions of it run side by side. */
export interface Engine {
  /** Sessions that may change data. */
  writers: SessionPool;
  /** Sessions that the engine itself keeps from changing anything (readonly = 2). */
  readers: SessionPool;
  version: string;
  timezone: string;
  close(): void;
}

/** Writing sessions: inserts of both tables, and queries sent by POST. More than the cores would only add memory. */
const WRITERS = 4;
const READERS = 4;

/**
 * Settings of a small server. ClickHouse sizes its caches for a machine of its own; beside a collector it must be modest.
 * https://clickhouse.com/docs/operations/server-configuration-parameters/settings
 */
const CONNECTION_ARGS = [
  '--mark_cache_size=67108864',
  '--index_mark_cache_size=33554432',
  '--uncompressed_cache_size=0',
  '--max_server_memory_usage=2147483648',
  // One merge at a time: parts that wait meanwhile are merged together, so that rows are rewritten less often.
  '--background_pool_size=1',
  '--background_merges_mutations_concurrency_ratio=1',
];

/** Throws a FatalError, in words, when the engine is not installed or the folder is in use. */
export async function openEngine(dataDir: string): Promise<Engine> {
  const { Session } = await loadChdb();
  mkdirSync(dataDir, { recursive: true });
  const open = () => new Session(dataDir, { connectionArgs: CONNECTION_ARGS });
  let first: Session;
  try {
    first = open();
  } catch (error) {
    throw new FatalError(`ClickHouse cannot open ${dataDir}; another process may be using it`, {
      cause: error,
    });
  }
  const [version = '', timezone = ''] = first.query('SELECT version(), timezone()', 'TSV').trim().split('\t');
  const writers = [first, ...Array.from({ length: WRITERS - 1 }, open)];
  const readers = Array.from({ length: READERS }, () => {
    const session = open();
    session.query('SET readonly = 2');
    return session;
  });
  return {
    writers: createSessionPool(writers),
    readers: createSessionPool(readers),
    version,
    timezone,
    close: () => {
      for (const session of [...readers, ...writers]) session.close();
    },
  };
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
