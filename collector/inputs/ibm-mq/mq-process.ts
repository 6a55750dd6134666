import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { RetriableError } from '../../../common/errors.ts';
import type { Answer, Report, Task } from './protocol.ts';

/** The process of our own that makes the MQ calls, as its collector sees it: reports one by one, each to be answered. */
export interface MqProcess {
  /**
   * The next report. Throws an MqProcessError when the process ended without one, or when none came within the time: then it
   * hangs, and is ended by force.
   */
  next(msMax: number): Promise<Report>;
  answer(answer: Answer): void;
  /** Ends it: at once and by force, unless it ended by itself. Resolves when it is gone. */
  end(): Promise<void>;
}

/** The process died or hung: its connection is gone, and what it had got is back in the queue. */
export class MqProcessError extends RetriableError {
  override readonly name = 'MqProcessError';
}

export interface MqProcessOptions {
  /** The compiled process/main.js. */
  file?: string;
  /** Folder of the client library; what LD_LIBRARY_PATH names, and /opt/mqm, if not given. */
  libraryDir: string | undefined;
}

const COMPILED = fileURLToPath(new URL('./process/main.js', import.meta.url));
/** It holds a batch and what comes of it; a leak in the native library shall end it, not the machine. */
const MEMORY_MB_MAX = 512;
const OUTPUT_CHARACTERS_MAX = 2_000;

/** Time for starting Node and loading the package, generously. */
export const LOAD_MS_MAX = 60_000;

/** Starts a process; the caller must `end` it. */
export function startMqProcess({ file = COMPILED, libraryDir }: MqProcessOptions): MqProcess {
  const child = fork(file, [], {
    // Buffers travel as they are.
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    execArgv: [`--max-old-space-size=${MEMORY_MB_MAX}`],
    env: environment(libraryDir),
  });
  const reports: Report[] = [];
  let wake = () => {};
  let said = '';
  let over: string | undefined;
  child.stderr?.on('data', (chunk: Buffer) => {
    said = (said + chunk.toString()).slice(-OUTPUT_CHARACTERS_MAX);
  });
  child.on('message', (report) => {
    reports.push(report as Report);
    wake();
  });
  const gone = (why: string) => {
    over ??= why;
    wake();
  };
  child.once('error', (error) => gone(error.message));
  child.once('exit', (code, signal) => gone(`it ended with ${signal ?? code}`));

  async function end(): Promise<void> {
    if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  }

  async function waitForReport(msMax: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, msMax);
      wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    wake = () => {};
  }

  return {
    next: async (msMax) => {
      if (reports.length === 0 && over === undefined) await waitForReport(msMax);
      const report = reports.shift();
      if (report !== undefined) return report;
      const how = over ?? `nothing was heard of it for ${Math.round(msMax / 1000)} s`;
      await end();
      const detail = said.trim() === '' ? '' : `: ${said.trim()}`;
      throw new MqProcessError(`the process for MQ is gone: ${how}${detail}`);
    },
    answer: (answer) => {
      // One that has ended meanwhile is told of by `next`.
      if (child.connected) child.send(answer, () => undefined);
    },
    end,
  };
}

/** Starts a process and gives it its task. Throws an MqProcessError, or what `missing` says. */
export async function startTask(options: MqProcessOptions, task: Task): Promise<MqProcess> {
  const running = startMqProcess(options);
  try {
    const report = await running.next(LOAD_MS_MAX);
    if (report.kind === 'missing')
      throw new MqLibraryMissingError(report.what, report.detail, options.libraryDir);
    running.answer({ kind: 'task', task });
    return running;
  } catch (error) {
    await running.end();
    throw error;
  }
}

/** Nothing can be got on this machine as it is. */
export class MqLibraryMissingError extends Error {
  override readonly name = 'MqLibraryMissingError';

  constructor(what: 'package' | 'library', detail: string, libraryDir: string | undefined) {
    super(
      what === 'package'
        ? `the package ibmmq is not installed; \`npm install --include=optional\` does that (docs/ibm-mq.md): ${detail}`
        : `IBM's MQ client library (libmqm_r) cannot be loaded${libraryDir === undefined ? '' : ` from ${libraryDir}`}; it has to be where ` +
            `client_library_dir or LD_LIBRARY_PATH says, or in /opt/mqm (docs/ibm-mq.md): ${detail}`,
    );
  }
}

function environment(libraryDir: string | undefined): NodeJS.ProcessEnv {
  const { LD_LIBRARY_PATH } = process.env;
  const path = [libraryDir, LD_LIBRARY_PATH].filter((part) => part !== undefined && part !== '').join(':');
  return {
    ...process.env,
    ...(path === '' ? {} : { LD_LIBRARY_PATH: path }),
    // A library that was named or installed is meant, not one that a package brought.
    MQIJS_PREFER_INSTALLED_LIBRARY: '1',
    MQIJS_NOOTEL: '1',
  };
}
