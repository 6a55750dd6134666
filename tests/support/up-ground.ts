import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { freePort } from '../../common/testing/redis-server.ts';
import { CLI } from './landscape.ts';

/** `tranweave up` as a person runs it, with what is quick to start: one of each role, and files in place of a ClickHouse. */
export interface UpGround extends AsyncDisposable {
  dir: string;
  redisPort: number;
  /** A path below the data folder. */
  data(...path: string[]): string;
  /** Runs a program in the folder, the command itself if none is named. What `up` began ends with the ground. */
  start(args: readonly string[], program?: string): Up;
  /** Of the Redis that `up` has started, if it runs. */
  redisPid(): number | undefined;
}

export interface Up {
  child: ChildProcess;
  output(): string;
  /** The exit code, or the signal that ended it. */
  ended: Promise<number | string>;
}

/** @param config sections that differ. */
export async function createUpGround(config: Record<string, unknown> = {}): Promise<UpGround> {
  const dir = await mkdtemp(join(tmpdir(), 'tranweave-up-'));
  const redisPort = await freePort();
  const data = (...path: string[]) => join(dir, 'data', ...path);
  await mkdir(join(dir, 'rows'));
  await mkdir(data('logs'), { recursive: true });
  const defaults = {
    partitions: 2,
    redis: { url: `redis://127.0.0.1:${redisPort}` },
    inputs: [{ name: 'api', type: 'http', port: await freePort() }],
    sinks: [{ name: 'files', type: 'ndjson', dir: 'rows' }],
    up: { clickhouse: false, processors: 1 },
  };
  await writeFile(join(dir, 'tranweave.yml'), stringify({ ...defaults, ...config }));
  const running: Up[] = [];

  function redisPid(): number | undefined {
    const file = data('redis', 'redis.pid');
    const pid = existsSync(file) ? Number(readFileSync(file, 'utf8')) : 0;
    return isAlive(pid) ? pid : undefined;
  }

  return {
    dir,
    redisPort,
    data,
    redisPid,
    start: (args, program = process.execPath) => {
      const up = run(program, program === process.execPath ? [CLI, ...args] : args, dir);
      running.push(up);
      return up;
    },
    [Symbol.asyncDispose]: async () => {
      for (const { child } of running) {
        if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
      }
      await Promise.all(running.map(({ ended }) => ended));
      const left = redisPid();
      if (left !== undefined) process.kill(left, 'SIGKILL');
      await rm(dir, { recursive: true, force: true });
    },
  };
}

function run(program: string, args: readonly string[], cwd: string): Up {
  const child = spawn(program, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  const collect = (chunk: Buffer) => (output += chunk.toString());
  child.stdout.on('data', collect);
  child.stderr.on('data', collect);
  const ended = once(child, 'exit').then(([code, signal]) => (signal ?? code) as number | string);
  return { child, output: () => output, ended };
}

export function isAlive(pid: number): boolean {
  if (pid <= 1) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
