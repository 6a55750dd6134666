import { fileURLToPath } from 'node:url';
import * as v from 'valibot';
import { buildClientLibrary } from '../../../common/testing/ibm-mq/client-library.ts';
import { startQueueServer } from '../../../common/testing/ibm-mq/queue-server.ts';
import type { QueueServer, QueueServerOptions } from '../../../common/testing/ibm-mq/queue-server.ts';
import { until } from '../../../common/testing/until.ts';
import { ibmMqInput } from '../ibm-mq.ts';
import { connectionOf } from './connection.ts';
import { startTask } from './mq-process.ts';
import type { MqProcess } from './mq-process.ts';
import type { BrowseTask, GetTask, Message, PutTask, Report, Task } from './protocol.ts';

/**
 * A queue manager for tests: the one that MQ_QMGR names (docs/ibm-mq.md says how it must be prepared), or else the stand-in. Both are reached
 * through the real ibmmq package.
 */

export const QUEUES = {
  a: 'TRANWEAVE.TEST.A',
  b: 'TRANWEAVE.TEST.B',
  /** BOTHRESH(3) BOQNAME(TRANWEAVE.TEST.BACKOUT). */
  poison: 'TRANWEAVE.TEST.POISON',
  backout: 'TRANWEAVE.TEST.BACKOUT',
} as const;
const DEFINITIONS = {
  [QUEUES.a]: {},
  [QUEUES.b]: {},
  [QUEUES.poison]: { backoutThreshold: 3, backoutQueue: QUEUES.backout },
  [QUEUES.backout]: {},
};
const { env } = process;
/** Whether the queue manager is a real one, which cannot be told to fail. */
export const isReal = env['MQ_QMGR'] !== undefined;

/** The compiled process: `npm test` compiles before it tests. */
export const PROCESS_FILE = fileURLToPath(
  new URL('../../../dist/collector/inputs/ibm-mq/process/main.js', import.meta.url),
);
const ANSWER_MS_MAX = 30_000;

export interface TestQueueManager {
  /** The stand-in; where the queue manager is real, whatever is asked of it throws. */
  server: QueueServer;
  libraryDir: string | undefined;
  /** Settings of an input that reach it. */
  settings: Record<string, unknown>;
  /** An MQ process with a task of the test's own. Ended by `clean`. */
  task<T extends Task>(task: Omit<T, 'connection'>): Promise<MqProcess>;
  /** Puts messages through the package. */
  put(queue: string, messages: readonly (string | Buffer)[], as?: PutOptions): Promise<void>;
  /** What can be got now. */
  browse(queue: string): Promise<Message[]>;
  /** Ends every task and empties the queues. */
  clean(): Promise<void>;
  end(): Promise<void>;
}

/** `MQSTR` and 1208 if not given. */
export interface PutOptions {
  format?: string;
  ccsid?: number;
}

export async function createTestQueueManager(
  options: Partial<QueueServerOptions> = {},
): Promise<TestQueueManager> {
  const library = isReal ? undefined : await buildClientLibrary();
  const server = isReal ? undefined : await startQueueServer({ queues: DEFINITIONS, ...options });
  const libraryDir = library?.dir;
  const settings = {
    ...(libraryDir === undefined ? {} : { client_library_dir: libraryDir }),
    ...(server === undefined ? realSettings() : standInSettings(server, options)),
  };
  const processes: MqProcess[] = [];

  async function task<T extends Task>(part: Omit<T, 'connection'>): Promise<MqProcess> {
    const config = v.parse(ibmMqInput.config, {
      type: 'ibm-mq',
      name: 'test',
      queues: [QUEUES.a],
      ...settings,
    });
    const whole = { ...part, connection: connectionOf(config, () => '') } as unknown as Task;
    const running = await startTask({ file: PROCESS_FILE, libraryDir }, whole);
    processes.push(running);
    return running;
  }

  async function empty(queue: string): Promise<void> {
    if (server !== undefined && server.depth(queue) === 0) return;
    const getting = await task<GetTask>(getTask(queue, { waitMs: isReal ? 500 : 1, batchMessagesMax: 5000 }));
    let report = await expectReport(getting, 'connected');
    while (report.kind !== 'idle') {
      getting.answer(
        report.kind === 'batch' ? { kind: 'commit', setAside: [], backoutQueue: '' } : { kind: 'go_on' },
      );
      report = await expectReport(getting, 'batch', 'settled', 'idle');
    }
    getting.answer({ kind: 'stop' });
    await expectReport(getting, 'done');
  }

  return {
    server: server ?? absent(),
    libraryDir,
    settings,
    task,
    put: async (queue, messages, { format = 'MQSTR', ccsid = 1208 } = {}) =>
      putAll(await task<PutTask>({ kind: 'put', queue, format, ccsid }), messages),
    browse: async (queue) =>
      browseAll(await task<BrowseTask>({ kind: 'browse', queue, messagesMax: 1000, convert: false })),
    clean: async () => {
      await Promise.all(processes.splice(0).map((running) => running.end()));
      server?.heal();
      server?.speak();
      // What ended processes had got is not back before the server knows of their end.
      await until('nobody is connected', () => server === undefined || server.connections().length === 0);
      await Promise.all(Object.values(QUEUES).map(empty));
    },
    end: async () => {
      await Promise.all(processes.splice(0).map((running) => running.end()));
      await server?.stop();
      await library?.remove();
    },
  };
}

async function putAll(putting: MqProcess, messages: readonly (string | Buffer)[]): Promise<void> {
  await expectReport(putting, 'connected');
  for (const message of messages) {
    putting.answer({ kind: 'put', data: Buffer.from(message) });
    await expectReport(putting, 'settled');
  }
  putting.answer({ kind: 'stop' });
  await expectReport(putting, 'done');
}

async function browseAll(browsing: MqProcess): Promise<Message[]> {
  const found: Message[] = [];
  for (;;) {
    const report = await expectReport(browsing, 'batch', 'done');
    if (report.kind !== 'batch') return found;
    found.push(...report.messages);
    browsing.answer({ kind: 'go_on' });
  }
}

/** A task that gets from the queue, as an input of the defaults has it. */
export function getTask(queue: string, more: Partial<GetTask> = {}): Omit<GetTask, 'connection'> {
  return {
    kind: 'get',
    queue,
    exclusive: false,
    convert: true,
    waitMs: 200,
    batchMessagesMax: 100,
    batchBytesMax: 1024 * 1024,
    batchMs: 20,
    bufferBytes: 4096,
    ...more,
  };
}

/** The next report, if it is of one of these kinds; an error that says what came instead. */
export async function expectReport(running: MqProcess, ...kinds: Report['kind'][]): Promise<Report> {
  const report = await running.next(ANSWER_MS_MAX);
  if (!kinds.includes(report.kind))
    throw new Error(`instead of ${kinds.join(' or ')}: ${JSON.stringify(report)}`);
  return report;
}

function standInSettings(server: QueueServer, { credentials }: Partial<QueueServerOptions>) {
  return { connection: server.connectionName, channel: 'APP.SVRCONN', ...credentials };
}

function realSettings(): Record<string, unknown> {
  const user = env['MQ_USER'];
  return {
    queue_manager: env['MQ_QMGR'],
    connection: env['MQ_CONNECTION'] ?? '127.0.0.1(1414)',
    channel: env['MQ_CHANNEL'] ?? 'DEV.APP.SVRCONN',
    ...(user === undefined ? {} : { user, password: env['MQ_PASSWORD'] ?? '' }),
  };
}

function absent(): QueueServer {
  return new Proxy({} as QueueServer, {
    get: (_, name) => {
      throw new Error(`a real queue manager has no ${String(name)}`);
    },
  });
}
