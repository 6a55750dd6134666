import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ClickHouseLogLevel, createClient } from '@clickhouse/client';
import type { ClickHouseClient } from '@clickhouse/client';
import { stringify } from 'yaml';
import { freePort, startRedis } from '../../common/testing/redis-server.ts';
import type { TestRedis } from '../../common/testing/redis-server.ts';
import type { TestRedisCluster } from '../../common/testing/redis-cluster.ts';
import { openStreams } from '../../common/testing/streams.ts';
import type { TestStreams } from '../../common/testing/streams.ts';
import { until } from '../../common/testing/until.ts';
import { groupsOf } from '../../common/redis/groups.ts';
import { createKeys, STREAM_KINDS } from '../../common/redis/keys.ts';

/** The compiled command: what users run. `npm test` compiles before it tests; `npm run chaos` is compiled itself and has it nearby. */
export const CLI = fileURLToPath(
  new URL(
    import.meta.url.endsWith('.ts') ? '../../dist/scripts/cli.js' : '../../scripts/cli.js',
    import.meta.url,
  ),
);
export const PARTITIONS = 4;

export type RoleName = 'collector' | 'processor' | 'sinks' | 'api';

/** A landscape of real processes on free ports, in a folder of its own. */
export interface Landscape<Redis extends TestRedis | TestRedisCluster = TestRedis> extends AsyncDisposable {
  dir: string;
  configFile: string;
  /** Folder that the file input `files` follows (`*.log`). */
  inbox: string;
  /** `POST` here: the HTTP input `api`. */
  httpUrl: string;
  redis: Redis;
  streams: TestStreams;
  clickhouse: ClickHouseClient;
  /** Rows of a query. */
  rows<T>(query: string): Promise<T[]>;
  start(role: RoleName): Promise<RoleProcess>;
  /** Resolves when every group has taken everything. */
  drained(msMax?: number): Promise<void>;
}

export interface RoleProcess {
  pid: number;
  adminUrl: string;
  /** Its exit code, or the signal that ended it. */
  ended: Promise<number | string>;
  kill(signal: NodeJS.Signals): void;
  /** SIGTERM; resolves when it is gone. */
  stop(): Promise<number | string>;
  output(): string;
}

/** On a Redis server of its own. @param config sections that differ from the landscape's; without a sink of type clickhouse, none is started. */
export async function createLandscape(config: Record<string, unknown> = {}): Promise<Landscape> {
  return createLandscapeOn(await startRedis(), config);
}

/** On this Redis, which ends with it. */
export async function createLandscapeOn<Redis extends TestRedis | TestRedisCluster>(
  redis: Redis,
  config: Record<string, unknown> & { redis?: object } = {},
): Promise<Landscape<Redis>> {
  const dir = await mkdtemp(join(tmpdir(), 'tranweave-landscape-'));
  const inbox = join(dir, 'inbox');
  await mkdir(inbox);
  const [clickhousePort, httpPort] = [await freePort(), await freePort()];
  const configFile = join(dir, 'tranweave.yml');
  const defaults = {
    partitions: PARTITIONS,
    inputs: [
      { name: 'api', type: 'http', port: httpPort },
      { name: 'files', type: 'file', paths: ['inbox/*.log'], last_line_after: '300ms' },
    ],
    claims: { ttl: '2s', heartbeat: '400ms' },
    sinks: [
      {
        name: 'clickhouse',
        type: 'clickhouse',
        url: `http://127.0.0.1:${clickhousePort}`,
        batch: { delay_max: '100ms' },
      },
    ],
    up: { data_dir: 'data' },
  };
  const whole = {
    ...defaults,
    ...config,
    redis: {
      ...('addresses' in redis ? { cluster: redis.addresses } : { url: redis.url }),
      ...config.redis,
    },
  };
  await writeFile(configFile, stringify(whole));
  const started: RoleProcess[] = [];
  const start = async (command: string) => {
    const role = await startProcess([command, '--config', configFile]);
    started.push(role);
    if (command !== 'clickhouse') await until(`${command} is ready`, () => isReady(role.adminUrl));
    return role;
  };
  if (whole.sinks.some(({ type }) => type === 'clickhouse')) await start('clickhouse');
  const clickhouse = createClient({
    url: `http://127.0.0.1:${clickhousePort}`,
    log: { level: ClickHouseLogLevel.OFF },
  });
  const streams = openStreams('addresses' in redis ? redis.addresses : redis.url, PARTITIONS);
  return {
    dir,
    configFile,
    inbox,
    httpUrl: `http://127.0.0.1:${httpPort}/v1/logs`,
    redis,
    streams,
    clickhouse,
    rows: async <T>(query: string) =>
      (
        await clickhouse.query({
          query,
          format: 'JSONEachRow',
          clickhouse_settings: { output_format_json_quote_64bit_integers: 0 },
        })
      ).json<T>(),
    start,
    drained: (msMax) => until('every group has taken everything', () => isDrained(streams), msMax),
    [Symbol.asyncDispose]: async () => {
      await Promise.all(started.toReversed().map((role) => role.stop()));
      await clickhouse.close();
      streams.redis.disconnect();
      await redis.stop();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

async function isReady(adminUrl: string): Promise<boolean> {
  const response = await fetch(`${adminUrl}/readyz`);
  return response.status === 200;
}

async function isDrained({ redis }: TestStreams): Promise<boolean> {
  const keys = createKeys('tranweave');
  for (let partition = 0; partition < PARTITIONS; partition += 1) {
    for (const kind of STREAM_KINDS) {
      const groups = await groupsOf(redis, keys.stream(partition, kind));
      if (groups.length === 0 || groups.some((group) => group.lag !== 0)) return false;
    }
  }
  return true;
}

/** Starts the command; resolves when it says that it works. Throws with its output when it ends before. */
export async function startProcess(args: readonly string[]): Promise<RoleProcess> {
  const child: ChildProcess = fork(CLI, args, { stdio: ['ignore', 'pipe', 'pipe', 'ipc'] });
  let output = '';
  const collect = (chunk: Buffer) => (output += chunk.toString());
  child.stdout?.on('data', collect);
  child.stderr?.on('data', collect);
  const ended = once(child, 'exit').then(([code, signal]) => (signal ?? code) as number | string);
  const message = await Promise.race([once(child, 'message'), ended.then(() => undefined)]);
  if (message === undefined || child.pid === undefined)
    throw new Error(`${args.join(' ')} ended at its start: ${output}`);
  const [{ ready }] = message as [{ ready: { adminUrl: string } }];
  return {
    pid: child.pid,
    adminUrl: ready.adminUrl,
    ended,
    kill: (signal) => child.kill(signal),
    stop: async () => {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
      return ended;
    },
    output: () => output,
  };
}
