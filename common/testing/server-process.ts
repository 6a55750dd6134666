import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { freePort } from './redis-server.ts';

/** Servers of others that a test runs as processes of its own. */

export interface ServerProcess {
  /** Sends the signal and waits for the end; nothing happens if it has ended. */
  end(signal: NodeJS.Signals): Promise<void>;
}

export interface Account {
  uid: number;
  gid: number;
}

export interface Launch {
  file: string;
  args: readonly string[];
  /** What it says once it takes connections. */
  ready: string;
  /** Whom it runs as; as we do if not given. */
  as?: Account | undefined;
}

const START_MS_MAX = 30_000;
const OUTPUT_CHARACTERS_MAX = 20_000;

/** Starts it; resolves when it says that it is ready. Throws with its words if it ends before, or takes too long. */
export async function launch({ file, args, ready, as }: Launch): Promise<ServerProcess> {
  const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'pipe'], ...as });
  let output = '';
  await new Promise<void>((resolve, reject) => {
    const fail = (why: string) => {
      child.kill('SIGKILL');
      reject(new Error(`${file} ${why}: ${output}`));
    };
    const timer = setTimeout(() => fail('did not start'), START_MS_MAX);
    child.once('error', (error) => fail(error.message));
    child.once('exit', (code) => fail(`ended with ${code}`));
    const listen = (chunk: Buffer) => {
      output = (output + chunk.toString()).slice(-OUTPUT_CHARACTERS_MAX);
      if (!output.includes(ready)) return;
      clearTimeout(timer);
      child.removeAllListeners('exit');
      for (const stream of [child.stdout, child.stderr]) stream.removeAllListeners('data').resume();
      resolve();
    };
    child.stdout.on('data', listen);
    child.stderr.on('data', listen);
  });
  return {
    end: async (signal) => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exited = once(child, 'exit');
      child.kill(signal);
      await exited;
    },
  };
}

const PORTS_TRIED = 5;

/** Starts it on a free port; on another one if somebody took that meanwhile. */
export async function launchOnFreePort(
  launchOf: (port: number) => Launch,
): Promise<{ port: number; server: ServerProcess }> {
  for (let tried = 1; ; tried += 1) {
    const port = await freePort();
    try {
      return { port, server: await launch(launchOf(port)) };
    } catch (error) {
      const isTaken = error instanceof Error && /address already in use/i.test(error.message);
      if (!isTaken || tried === PORTS_TRIED) throw error;
    }
  }
}

/** Runs a command to its end, with `input` on its standard input. Throws with its words if it fails. */
export function runCommand(
  file: string,
  args: readonly string[],
  { as, input = '' }: { as?: Account | undefined; input?: string } = {},
): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = execFile(file, args, { timeout: START_MS_MAX, ...as }, (error, stdout, stderr) => {
      if (error === null) resolve();
      else reject(new Error(`${file} failed: ${stdout}${stderr}`, { cause: error }));
    });
    // A command that ended without reading is told of by its exit.
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(input);
  });
}

/** Where a program is: in one of the folders, or on PATH. */
export function findProgram(name: string, folders: readonly string[] = []): string | undefined {
  const path = process.env['PATH'] ?? '';
  return [...folders, ...path.split(delimiter), '/usr/sbin', '/usr/local/sbin']
    .filter((folder) => folder !== '')
    .map((folder) => join(folder, name))
    .find(isExecutable);
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** An account without rights, for servers that refuse to run as root; undefined if we are not root. */
export function unprivileged(...names: readonly string[]): Account | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const lines = readFileSync('/etc/passwd', 'utf8').split('\n');
  for (const name of [...names, 'nobody']) {
    const [, , uid, gid] = lines.find((line) => line.startsWith(`${name}:`))?.split(':') ?? [];
    if (uid !== undefined) return { uid: Number(uid), gid: Number(gid) };
  }
  throw new Error('there is no account without rights here');
}
