import { fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { buildClientLibrary } from '../common/testing/ibm-mq/client-library.ts';
import { startQueueServer } from '../common/testing/ibm-mq/queue-server.ts';
import type { QueueServer } from '../common/testing/ibm-mq/queue-server.ts';
import { openLab } from './lab.ts';
import { until } from './until.ts';
import { prepareLoad } from './load.ts';
import { usageOf, watchOthers } from './process-usage.ts';
import { markdownTable, median, progress, warnOfOthers, whole } from './report.ts';
import type { BenchOptions, Report } from './report.ts';

/**
 * Part `mq`: how fast an ibm-mq input gets messages, beside a bare loop of MQGET and MQCMIT through the same library. The queue server is the stand-in, in
 * this process: its share of the machine is not counted, but what it cannot serve nobody gets.
 */

const QUEUE = 'BENCH';
const BATCH_MESSAGES = 200;
const BARE = fileURLToPath(new URL('./mq-bare.js', import.meta.url));
const PROCESSES = [1, 2];

interface Measured {
  messagesPerSecond: number;
  /** CPU µs per message, by process. */
  cpuMicros: Record<string, number>;
}

type Pids = Readonly<Record<string, readonly number[]>>;

export async function measureMq(dir: string, options: BenchOptions): Promise<Report> {
  const load = await prepareLoad(dir, 'mq', options.transactions);
  const lines = (await readFile(load.file, 'utf8')).trimEnd().split('\n');
  progress(`${lines.length} messages, ${Math.round(load.bytes / lines.length)} bytes each`);
  const library = await buildClientLibrary();
  const runs = new Map<string, Measured[]>();
  try {
    for (let repeat = 0; repeat <= options.repeats; repeat += 1) {
      for (const [name, measured] of await measureOnce(`${dir}/${repeat}`, library.dir, lines)) {
        progress(
          `${repeat === 0 ? 'warm-up' : `run ${repeat}`}  ${name}  ${whole(measured.messagesPerSecond)} messages/s`,
        );
        if (repeat > 0) runs.set(name, [...(runs.get(name) ?? []), measured]);
      }
    }
  } finally {
    await library.remove();
  }
  return { figures: Object.fromEntries(runs), text: report(runs, options) };
}

async function measureOnce(
  dir: string,
  libraryDir: string,
  lines: readonly string[],
): Promise<Map<string, Measured>> {
  const measured = new Map<string, Measured>();
  for (const count of PROCESSES) {
    measured.set(
      `bare loop of MQGET and MQCMIT, processes: ${count}`,
      await bareLoop(libraryDir, count, lines),
    );
    measured.set(
      `IBM MQ → Redis, getters: ${count}`,
      await throughInput(`${dir}-${count}`, libraryDir, count, lines),
    );
  }
  return measured;
}

async function bareLoop(libraryDir: string, count: number, lines: readonly string[]): Promise<Measured> {
  await using server = await startQueueServer({ queues: { [QUEUE]: {} } });
  const loops = await Promise.all(
    Array.from({ length: count }, async () => {
      const loop = fork(BARE, [server.connectionName, QUEUE, String(BATCH_MESSAGES)], {
        env: { ...process.env, LD_LIBRARY_PATH: libraryDir },
      });
      await once(loop, 'message');
      return loop;
    }),
  );
  const measured = await time(server, lines, { loop: loops.map(({ pid = 0 }) => pid) });
  await Promise.all(
    loops.map((loop) => {
      loop.kill('SIGKILL');
      return once(loop, 'exit');
    }),
  );
  return measured;
}

async function throughInput(
  dir: string,
  libraryDir: string,
  getters: number,
  lines: readonly string[],
): Promise<Measured> {
  await using server = await startQueueServer({ queues: { [QUEUE]: {} } });
  const input = {
    type: 'ibm-mq',
    name: 'mq',
    connection: server.connectionName,
    channel: 'BENCH',
    queues: [QUEUE],
    batch_messages_max: BATCH_MESSAGES,
    client_library_dir: libraryDir,
    getters,
  };
  const lab = await openLab(dir, { inputs: [input], collector: { stream_entries_max: 1_000_000 } });
  try {
    const collector = await lab.start('collector');
    await until('getters are connected', () => Promise.resolve(server.connections().length === getters));
    const pids = {
      collector: [collector.pid],
      getters: childrenOf(collector.pid),
      redis: Object.values(lab.stores),
    };
    return await time(server, lines, pids);
  } finally {
    await lab.stop();
  }
}

/** Puts all messages and waits until they are committed. The server serves nobody before they are all there. */
async function time(server: QueueServer, lines: readonly string[], pids: Pids): Promise<Measured> {
  for (const line of lines) server.put(QUEUE, line);
  const before = cpuOf(pids);
  const others = watchOthers(Object.values(pids).flat());
  const started = performance.now();
  await until('all is committed', () => Promise.resolve(server.committed(QUEUE) === lines.length));
  const seconds = (performance.now() - started) / 1000;
  warnOfOthers(others());
  const after = cpuOf(pids);
  return {
    messagesPerSecond: lines.length / seconds,
    cpuMicros: Object.fromEntries(
      Object.keys(pids).map((name) => [name, ((after[name] ?? 0) - (before[name] ?? 0)) / lines.length]),
    ),
  };
}

function cpuOf(pids: Pids): Record<string, number> {
  return Object.fromEntries(
    Object.entries(pids).map(([name, group]) => [
      name,
      group.reduce((sum, pid) => sum + usageOf(pid).cpuMicros, 0),
    ]),
  );
}

function childrenOf(pid: number): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(/\s+/).map(Number);
}

function report(runs: ReadonlyMap<string, readonly Measured[]>, { repeats }: BenchOptions): string {
  const rows = [...runs].map(([name, measured]) => {
    const processes = Object.keys(measured[0]?.cpuMicros ?? {});
    const cpu = processes.map((p) => [p, median(measured.map((run) => run.cpuMicros[p] ?? 0))] as const);
    return [
      name,
      whole(median(measured.map((run) => run.messagesPerSecond))),
      cpu.map(([p, us]) => `${p} ${us.toFixed(1)}`).join(', '),
    ];
  });
  const table = markdownTable(['stage', 'messages/s', 'CPU µs per message'], rows);
  return `Medians of ${repeats} runs after a warm-up, ${BATCH_MESSAGES} messages in a unit of work, over the stand-in\n\n${table}`;
}
