import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ClickHouseLogLevel, createClient } from '@clickhouse/client';
import type { ClickHouseClient } from '@clickhouse/client';
import { startEmbeddedClickHouse } from '../../scripts/embedded-clickhouse/front.ts';
import { silentLogger } from '../logger.ts';

/** The real ClickHouse engine in the test's own process, behind its HTTP front: free port, temporary folder. */
export interface TestClickHouse extends AsyncDisposable {
  url: string;
  client: ClickHouseClient;
  /** The rows of a query, with values of its `{name:Type}`. */
  rows<T>(query: string, params?: Record<string, unknown>): Promise<T[]>;
  stop(): Promise<void>;
}

/** @param password that it asks for; none if not given. */
export async function startClickHouse(password?: string): Promise<TestClickHouse> {
  const dataDir = await mkdtemp(join(tmpdir(), 'tranweave-clickhouse-'));
  const front = await startEmbeddedClickHouse({
    host: '127.0.0.1',
    port: 0,
    dataDir,
    password,
    logger: silentLogger(),
  });
  const client = createClient({
    url: front.url,
    log: { level: ClickHouseLogLevel.OFF },
    ...(password === undefined ? {} : { password }),
  });
  const stop = async () => {
    await client.close();
    await front.stop();
    await rm(dataDir, { recursive: true, force: true });
  };
  return {
    url: front.url,
    client,
    rows: async <T>(query: string, params: Record<string, unknown> = {}) => {
      const result = await client.query({ query, format: 'JSONEachRow', query_params: params });
      return result.json<T>();
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}
