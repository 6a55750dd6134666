import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { FatalError } from '../../common/errors.ts';
import { makeFolder } from '../make-folder.ts';
import { argumentsOf } from './data-dir.ts';
import type { Endpoint } from './plan.ts';
import type { ProcessSpec } from './supervisor.ts';

/** The private redis-server: an append-only file, and never a key dropped. */

const REDIS_MAJOR_MIN = 7;
const STOP_MS_MAX = 5_000;

/** `redis-server`, or what `REDIS_SERVER` names. Throws a FatalError, saying what to do, if there is none or it is too old. */
export function findRedis(): { command: string; version: string } {
  const command = process.env['REDIS_SERVER'] ?? 'redis-server';
  let output: string;
  try {
    output = execFileSync(command, ['--version'], { encoding: 'utf8', timeout: 5_000 });
  } catch (error) {
    throw new FatalError(
      'there is no redis-server on this machine; `npm start` installs one, or install Redis 7 or newer (Debian: `apt-get install redis-server`)',
      { cause: error },
    );
  }
  const version = /v=(\d+\.\d+\.\d+)/.exec(output)?.[1] ?? '0';
  if (Number.parseInt(version, 10) < REDIS_MAJOR_MIN) {
    throw new FatalError(
      `redis-server ${version} is too old; Tranweave needs Redis ${REDIS_MAJOR_MIN}.0 or newer`,
    );
  }
  return { command, version };
}

export function redisSpec(command: string, { host, port }: Endpoint, dataDir: string): ProcessSpec {
  const dir = join(dataDir, 'redis');
  makeFolder(dir);
  const settings: Record<string, string> = {
    bind: host,
    port: String(port),
    dir,
    pidfile: join(dir, 'redis.pid'),
    appendonly: 'yes',
    appendfsync: 'everysec',
    save: '',
    // Streams come and go: rewriting the file for each doubling of a few MiB would cost more than it saves.
    'auto-aof-rewrite-min-size': '512mb',
    'maxmemory-policy': 'noeviction',
    daemonize: 'no',
  };
  const file = join(dir, 'redis.conf');
  writeFileSync(
    file,
    Object.entries(settings)
      .map(([name, value]) => `${name} "${value}"\n`)
      .join(''),
  );
  return {
    name: 'redis',
    command,
    args: [file],
    readyText: 'Ready to accept connections',
    startMsMax: 60_000,
  };
}

/** Ends a Redis that an earlier `up` with this data folder left behind (it was killed). True if there was one. */
export async function endLeftover(dataDir: string): Promise<boolean> {
  const pidFile = join(dataDir, 'redis', 'redis.pid');
  if (!existsSync(pidFile)) return false;
  const pid = Number(readFileSync(pidFile, 'utf8'));
  if (!isRedis(pid)) return false;
  process.kill(pid, 'SIGTERM');
  for (let waitedMs = 0; isRedis(pid); waitedMs += 50) {
    if (waitedMs > STOP_MS_MAX)
      throw new FatalError(`the Redis of an earlier run (process ${pid}) does not stop`);
    await delay(50);
  }
  return true;
}

function isRedis(pid: number): boolean {
  return argumentsOf(pid).includes('redis-server');
}
