import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { ClickHouseLogLevel, createClient } from '@clickhouse/client';
import { stringify } from 'yaml';
import { freePort } from '../../common/testing/redis-server.ts';
import { until } from '../../common/testing/until.ts';
import { startProxy } from '../../sinks/testing/proxy.ts';
import { startProcess } from '../support/landscape.ts';

/** The embedded ClickHouse as a process that can be killed, behind a proxy whose answers can be lost. */
export interface Store extends AsyncDisposable {
  /** Where sinks find it: the proxy. */
  url: string;
  rows<T>(query: string): Promise<T[]>;
  /** Waits until something is asked of it, kills it in the midst of that, and starts it again. */
  killWhenAsked(signal: AbortSignal): Promise<void>;
  /** The next answers get lost after it has done what was asked. */
  loseAnswers(count: number): void;
  lostAnswers(): number;
  /** Cannot be reached, or can be again. */
  setAway(away: boolean): void;
  /** So that rows which are there twice stay two; the tables must be there. */
  keepFromMerging(tables: readonly string[]): Promise<void>;
}

/** Somewhere within an insert, which takes some tens of milliseconds. */
const KILL_DELAY_MS_MAX = 60;
/** Under load something is asked every moment. */
const ASKED_MS_MAX = 5_000;
const TABLES_MS_MAX = 60_000;

/** @param random decides how long after a request begins it is killed. */
export async function openStore(random: () => number): Promise<Store> {
  const dir = await mkdtemp(join(tmpdir(), 'tranweave-chaos-store-'));
  const direct = `http://127.0.0.1:${await freePort()}`;
  const configFile = join(dir, 'tranweave.yml');
  await writeFile(
    configFile,
    stringify({
      inputs: [{ name: 'none', type: 'http', port: 0 }],
      sinks: [{ name: 'clickhouse', type: 'clickhouse', url: direct }],
      up: { data_dir: join(dir, 'data') },
    }),
  );
  const start = () => startProcess(['clickhouse', '--config', configFile]);
  let server = await start();
  const proxy = await startProxy(direct);
  let toLose = 0;
  const client = createClient({ url: direct, log: { level: ClickHouseLogLevel.OFF } });
  const rows = async <T>(query: string) => {
    const result = await client.query({
      query,
      format: 'JSONEachRow',
      clickhouse_settings: { output_format_json_quote_64bit_integers: 0 },
    });
    return result.json<T>();
  };
  return {
    url: `http://127.0.0.1:${proxy.port}`,
    rows,
    killWhenAsked: async (signal) => {
      await Promise.race([
        proxy.onceAsked(),
        delay(ASKED_MS_MAX, undefined, { signal }).catch(() => undefined),
      ]);
      await delay(random() * KILL_DELAY_MS_MAX);
      server.kill('SIGKILL');
      await server.ended;
      server = await start();
    },
    loseAnswers: (count) => {
      toLose += count;
      proxy.loseAnswers(toLose - proxy.lost());
    },
    lostAnswers: () => proxy.lost(),
    setAway: (away) => proxy.setAway(away),
    keepFromMerging: (tables) => keepFromMerging(rows, (query) => client.command({ query }), tables),
    [Symbol.asyncDispose]: async () => {
      await server.stop();
      await client.close();
      await proxy[Symbol.asyncDispose]();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

async function keepFromMerging(
  rows: Store['rows'],
  command: (query: string) => Promise<unknown>,
  tables: readonly string[],
): Promise<void> {
  const names = tables.map((table) => `'${table}'`).join();
  const query = `SELECT name FROM system.tables WHERE database = 'tranweave' AND name IN (${names})`;
  await until(
    'the tables are there',
    async () => (await rows(query)).length === tables.length,
    TABLES_MS_MAX,
  );
  const settings =
    'max_bytes_to_merge_at_max_space_in_pool = 1, parts_to_delay_insert = 100000, parts_to_throw_insert = 100000';
  for (const table of tables) await command(`ALTER TABLE tranweave.${table} MODIFY SETTING ${settings}`);
}
