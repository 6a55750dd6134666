import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ClickHouseLogLevel, createClient } from '@clickhouse/client';
import type { ClickHouseClient } from '@clickhouse/client';
import { Redis } from 'ioredis';
import { stringify } from 'yaml';
import { freePort, startRedis } from '../common/testing/redis-server.ts';
import type { TestRedis } from '../common/testing/redis-server.ts';
import { environmentOf, nodeFlagsOf } from '../scripts/node-flags.ts';
import { usageOf } from './process-usage.ts';
import type { Usage } from './process-usage.ts';

/** Real parts on free ports in a temporary folder: what is measured is what runs. */

const CLI = fileURLToPath(new URL('../scripts/cli.js', import.meta.url));
/** Partitions of a lab whose config says nothing else. */
const PARTITIONS = 4;

export interface Lab {
  dir: string;
  partitions: number;
  /** Folder that the file input follows. */
  inbox: string;
  redis: TestRedis;
  redisClient: Redis;
  /**
   * Starts a role as a process of its own; resolves when it works.
   *
   * @param config sections that this process has otherwise than the lab's others.
   */
  start(role: RoleName, config?: LabConfig): Promise<RunningRole>;
  /** Where the collector's HTTP input is. */
  httpUrl: string;
  /** Name → pid of the stores that run for the roles. */
  stores: Readonly<Record<string, number>>;
  stop(): Promise<void>;
}

/** With ClickHouse, so that sinks can be started. */
export interface FullLab extends Lab {
  clickhouse: ClickHouseClient;
  clickhouseUrl: string;
}

export type RoleName = 'collector' | 'processor' | 'sinks';

export interface RunningRole {
  pid: number;
  adminUrl: string;
  usage(): Usage;
  signal(signal: NodeJS.Signals): void;
  stop(): Promise<void>;
}

export interface LabConfig {
  partitions?: number;
  /** Settings of the connection; its URL is the lab's. */
  redis?: object;
  [section: string]: unknown;
}

/** @param config what is added to the config. */
export async function openLab(dir: string, config: LabConfig = {}): Promise<Lab> {
  return openWith(dir, await writeConfig(dir, config));
}

/** @param config what is added to the config. */
export async function openFullLab(dir: string, config: LabConfig = {}): Promise<FullLab> {
  const settings = await writeConfig(dir, config);
  const engine = await startProcess('clickhouse', settings.configFile);
  const clickhouse = createClient({
    url: settings.clickhouseUrl,
    request_timeout: 120_000,
    log: { level: ClickHouseLogLevel.OFF },
  });
  const lab = await openWith(dir, settings);
  return {
    ...lab,
    clickhouse,
    clickhouseUrl: settings.clickhouseUrl,
    stores: { ...lab.stores, clickhouse: engine.pid },
    stop: async () => {
      await lab.stop();
      await clickhouse.close();
      await engine.stop();
    },
  };
}

interface Settings {
  configFile: string;
  config: LabConfig;
  inbox: string;
  redis: TestRedis;
  httpUrl: string;
  clickhouseUrl: string;
}

async function writeConfig(dir: string, { redis: connection, ...sections }: LabConfig): Promise<Settings> {
  const inbox = await folder(dir, 'inbox');
  const redis = await startRedis({
    dir: await folder(dir, 'redis'),
    // As `up` runs it.
    extraArgs: ['--auto-aof-rewrite-min-size', '512mb'],
  });
  const [clickhousePort, httpPort] = [await freePort(), await freePort()];
  const clickhouseUrl = `http://127.0.0.1:${clickhousePort}`;
  const configFile = join(dir, 'tranweave.yml');
  const config = {
    partitions: PARTITIONS,
    log_level: 'warn',
    redis: { url: redis.url, ...connection },
    inputs: [
      { name: 'api', type: 'http', port: httpPort },
      { name: 'files', type: 'file', paths: [join(inbox, '*.log')] },
    ],
    sinks: [{ name: 'clickhouse', type: 'clickhouse', url: clickhouseUrl }],
    up: { data_dir: join(dir, 'data') },
    ...sections,
  };
  await writeFile(configFile, stringify(config));
  return { configFile, config, inbox, redis, httpUrl: `http://127.0.0.1:${httpPort}/v1/logs`, clickhouseUrl };
}

async function openWith(dir: string, settings: Settings): Promise<Lab> {
  const { config, inbox, redis, httpUrl } = settings;
  const redisClient = new Redis(redis.url, { protocol: 2 });
  const redisPid = Number(/process_id:(\d+)/.exec(await redisClient.info('server'))?.[1]);
  const running = new Set<RunningRole>();
  let variants = 0;
  return {
    dir,
    partitions: config.partitions ?? PARTITIONS,
    inbox,
    redis,
    redisClient,
    httpUrl,
    stores: { redis: redisPid },
    start: async (role, otherwise) => {
      let file = settings.configFile;
      if (otherwise !== undefined) {
        file = join(dir, `tranweave-${(variants += 1)}.yml`);
        await writeFile(file, stringify({ ...config, ...otherwise }));
      }
      const started = await startProcess(role, file);
      running.add(started);
      return started;
    },
    stop: async () => {
      await Promise.all([...running].map((role) => role.stop()));
      redisClient.disconnect();
      await redis.stop();
    },
  };
}

async function folder(dir: string, name: string): Promise<string> {
  const path = join(dir, name);
  await mkdir(path, { recursive: true });
  return path;
}

async function startProcess(command: string, configFile: string): Promise<RunningRole> {
  const child: ChildProcess = fork(CLI, [command, '--config', configFile], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    execArgv: [...nodeFlagsOf(command)],
    env: environmentOf(command),
  });
  const ended = once(child, 'exit');
  const first = await Promise.race([once(child, 'message'), ended.then(() => undefined)]);
  if (first === undefined || child.pid === undefined) throw new Error(`${command} ended at its start`);
  const { pid } = child;
  const [{ ready }] = first as [{ ready: { adminUrl: string } }];
  return {
    pid,
    adminUrl: ready.adminUrl,
    usage: () => usageOf(pid),
    signal: (signal) => child.kill(signal),
    stop: async () => {
      child.kill('SIGTERM');
      await ended;
    },
  };
}
