import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { FatalError } from '../../common/errors.ts';
import { openLogFile } from './log-file.ts';
import type { LogFile } from './log-file.ts';

/**
 * The processes of `up`. Each one: starting ──(it says that it is ready)──▶ running ──(stop)──▶ stopped; ended before it was ready: the start
 * fails, with its last words; ended while running, whatever the cause: started again after a pause, and said so.
 * Every process is in a group of its own, so that Ctrl-C reaches only `up`, which then stops them in order.
 */
export interface ProcessSpec {
  /** Shown, and the name of its log file: `processor 2` → processor-2.log. */
  name: string;
  command: string;
  args: readonly string[];
  /** Ours if not given. */
  environment?: NodeJS.ProcessEnv;
  /** A text in its output that says it is ready; without one it says so by an IPC message. */
  readyText?: string;
  startMsMax: number;
}

export interface Supervisor {
  /** Resolves when it is ready. Throws a FatalError with its last words when it does not come up. */
  start(spec: ProcessSpec): Promise<void>;
  /** What it said when it was last ready; undefined where that is a text. */
  message(name: string): unknown;
  /** SIGTERM to those processes, SIGKILL to what is left after the bound. Resolves when they are gone. */
  stop(names: readonly string[], msMax: number): Promise<void>;
  /** Pids by name, of what runs now. */
  pids(): Record<string, number>;
}

export interface SupervisorDeps {
  logDir: string;
  /** A line for the operator. */
  say: (line: string) => void;
}

/** Kept of a process' output, to show when it fails. */
const LAST_BYTES = 4_000;
const RESTART_DELAY_MS_MIN = 500;
const RESTART_DELAY_MS_MAX = 15_000;
/** A process that ran this long before it ended starts with the shortest pause again. */
const STEADY_MS = 60_000;
/** How long the output of a process that has ended is waited for: a child of its own may still hold it open. */
const LAST_WORDS_MS = 500;

interface Running {
  spec: ProcessSpec;
  child: ChildProcess;
  stopping: boolean;
  restarts: number;
}

export function createSupervisor({ logDir, say }: SupervisorDeps): Supervisor {
  const running = new Map<string, Running>();
  const messages = new Map<string, unknown>();
  const told = new Set<string>();

  /** Told once: a disk that is full stays so for a while. */
  function openLog(name: string): LogFile {
    const file = join(logDir, `${name.replaceAll(' ', '-')}.log`);
    return openLogFile(file, (reason) => {
      if (told.has(file)) return;
      told.add(file);
      say(`${file} cannot be written, so what ${name} says is lost while that lasts: ${reason}`);
    });
  }

  async function launch(spec: ProcessSpec, restarts: number): Promise<void> {
    const log = openLog(spec.name);
    const child = spawn(spec.command, spec.args, {
      detached: true,
      env: spec.environment ?? process.env,
      stdio: spec.readyText === undefined ? ['ignore', 'pipe', 'pipe', 'ipc'] : ['ignore', 'pipe', 'pipe'],
    });
    const entry: Running = { spec, child, stopping: false, restarts };
    running.set(spec.name, entry);
    const startedAt = process.hrtime.bigint();
    const output = outputOf(child, log);
    messages.set(spec.name, await untilReady(spec, child, output));
    child.once('exit', (code, signal) => {
      const steady = process.hrtime.bigint() - startedAt > BigInt(STEADY_MS) * 1_000_000n;
      void (async () => {
        await Promise.race([once(child, 'close'), delay(LAST_WORDS_MS)]);
        if (entry.stopping) return;
        say(`${spec.name} ended (${signal ?? `exit code ${code}`}); it is started again${inWords(output())}`);
        await restart(entry, steady ? 0 : restarts + 1);
      })();
    });
  }

  async function restart(entry: Running, restarts: number): Promise<void> {
    const pause = Math.min(RESTART_DELAY_MS_MIN * 2 ** Math.min(restarts, 10), RESTART_DELAY_MS_MAX);
    await delay(pause, undefined, { ref: false });
    if (entry.stopping) return;
    try {
      await launch(entry.spec, restarts);
    } catch (error) {
      // launch has put the failed process into the map; keep trying from there.
      const failed = running.get(entry.spec.name) ?? entry;
      if (failed.stopping) return;
      say(error instanceof Error ? error.message : String(error));
      await restart(failed, restarts + 1);
    }
  }

  return {
    start: (spec) => launch(spec, 0),
    message: (name) => messages.get(name),
    stop: async (names, msMax) => {
      const entries = names.flatMap((name) => running.get(name) ?? []);
      await Promise.all(entries.map((entry) => end(entry, msMax)));
    },
    pids: () =>
      Object.fromEntries(
        [...running].flatMap(([name, { child }]) =>
          child.pid === undefined || child.exitCode !== null ? [] : [[name, child.pid]],
        ),
      ),
  };
}

async function end(entry: Running, msMax: number): Promise<void> {
  entry.stopping = true;
  const { child } = entry;
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), msMax);
  await exited;
  clearTimeout(timer);
}

/** Takes what the process says to its log; returns what gives the end of it. */
function outputOf(child: ChildProcess, log: LogFile): () => string {
  let last = '';
  const onOutput = (chunk: Buffer) => {
    log.write(chunk);
    last = (last + chunk.toString()).slice(-LAST_BYTES);
  };
  child.stdout?.on('data', onOutput);
  child.stderr?.on('data', onOutput);
  child.once('close', () => log.end());
  return () => last;
}

/** Waits for the process to be ready; resolves with its message. Throws a FatalError with its last words. */
async function untilReady(spec: ProcessSpec, child: ChildProcess, output: () => string): Promise<unknown> {
  const { promise, resolve, reject } = withResolvers();
  const fail = (why: string) => reject(new FatalError(`${spec.name} ${why}${inWords(output())}`));
  child.stdout?.on('data', () => {
    if (spec.readyText !== undefined && output().includes(spec.readyText)) resolve(undefined);
  });
  child.on('message', resolve);
  child.once('error', (error) => fail(`cannot be started: ${error.message}`));
  child.once('close', (code, signal) => fail(`ended at its start (${signal ?? `exit code ${code}`})`));
  const timer = setTimeout(() => {
    child.kill('SIGKILL');
    fail(`was not ready within ${spec.startMsMax / 1000} s`);
  }, spec.startMsMax);
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
  }
}

function withResolvers() {
  let resolve: (value: unknown) => void = () => undefined;
  let reject: (error: Error) => void = () => undefined;
  const promise = new Promise<unknown>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}

/** The last lines of a log as a person reads them, below what is said of it: JSON lines by their message, others as they are. */
function inWords(output: string): string {
  const lines = output
    .trimEnd()
    .split('\n')
    .slice(-6)
    .map((line) => {
      try {
        const { msg, error } = JSON.parse(line) as { msg?: string; error?: string };
        return `  ${msg ?? line}${error === undefined ? '' : `: ${error}`}`;
      } catch {
        return `  ${line}`;
      }
    });
  return output === '' ? '' : `:\n${lines.join('\n')}`;
}
