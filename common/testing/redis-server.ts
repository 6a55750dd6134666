import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClients } from './redis-clients.ts';
import type { TestRedisClients } from './redis-clients.ts';

/** A real redis-server of a test's own: free port, temporary folder, append-only file, noeviction. */
export interface TestRedis extends AsyncDisposable, Pick<TestRedisClients, 'client'> {
  port: number;
  url: string;
  /** Ends it with SIGTERM, waits for it and removes its folder. Safe twice. */
  stop(): Promise<void>;
  /** SIGKILL; its files stay, so that `restart` finds them. */
  kill(): Promise<void>;
  /** SIGSTOP: its connections stay, and nothing is answered until `resume`. */
  pause(): void;
  resume(): void;
  /** Starts it again on the same port and folder, ending it first if it runs. */
  restart(): Promise<void>;
}

export interface TestRedisOptions {
  /** Extra words for the command line: `['--maxmemory', '10mb']`. */
  extraArgs?: readonly string[];
  /** A folder of the caller's, which stays when the server stops; a temporary one if not given. */
  dir?: string;
  /** Whether there is an append-only file; true if not given. */
  appendonly?: boolean;
}

const START_TIMEOUT_MS = 10_000;

export async function startRedis(options: TestRedisOptions = {}): Promise<TestRedis> {
  const port = await freePort();
  const dir = options.dir ?? (await mkdtemp(join(tmpdir(), 'tranweave-redis-')));
  let child = await launch(port, dir, options);
  const url = `redis://127.0.0.1:${port}`;
  const clients = createClients({ url });

  async function end(signal: NodeJS.Signals): Promise<void> {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    // One that is paused would not hear of it.
    child.kill('SIGCONT');
    child.kill(signal);
    await exited;
  }

  const stop = async () => {
    clients.disconnect();
    await end('SIGTERM');
    if (options.dir === undefined) await rm(dir, { recursive: true, force: true });
  };
  return {
    port,
    url,
    client: clients.client,
    stop,
    kill: () => end('SIGKILL'),
    pause: () => void child.kill('SIGSTOP'),
    resume: () => void child.kill('SIGCONT'),
    restart: async () => {
      await end('SIGTERM');
      child = await launch(port, dir, options);
    },
    [Symbol.asyncDispose]: stop,
  };
}

async function launch(
  port: number,
  dir: string,
  { extraArgs = [], appendonly = true }: TestRedisOptions,
): Promise<ChildProcess> {
  const child = spawn(
    'redis-server',
    [
      '--port',
      String(port),
      '--bind',
      '127.0.0.1',
      '--dir',
      dir,
      '--save',
      '',
      '--appendonly',
      appendonly ? 'yes' : 'no',
      '--appendfsync',
      'everysec',
      '--maxmemory-policy',
      'noeviction',
      ...extraArgs,
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  await new Promise<void>((resolve, reject) => {
    let output = '';
    const timer = setTimeout(
      () => reject(new Error(`redis-server did not start: ${output}`)),
      START_TIMEOUT_MS,
    );
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`redis-server ended with ${code}: ${output}`)));
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString();
      if (!output.includes('Ready to accept connections')) return;
      clearTimeout(timer);
      child.stdout.removeAllListeners('data').resume();
      child.removeAllListeners('exit');
      resolve();
    });
  });
  return child;
}

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}
