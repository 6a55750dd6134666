import { EventEmitter } from 'node:events';
import { Writable } from 'node:stream';
import { pino } from 'pino';
import { systemClock } from '../clock.ts';
import type { Clock } from '../clock.ts';
import { runLifecycle } from '../lifecycle.ts';
import type { Lifecycle } from '../lifecycle.ts';
import type { Logger } from '../logger.ts';
import type { Started } from '../role.ts';

/** A role as its process runs it, in the test's own process: with its lifecycle, its admin server and its log. */
export interface TestRole extends AsyncDisposable {
  started: Started;
  /** What it has logged. */
  lines: LogLine[];
  /** What it ended with, once it ended by itself or was stopped; undefined if in order. */
  ended: Promise<unknown>;
  isRunning(): boolean;
  stop(): Promise<void>;
  /** Sum of a metric over its labels. */
  metric(name: string): Promise<number>;
  /** What /readyz says is wrong. */
  reasons(): Promise<string[]>;
}

export interface LogLine {
  level: 'info' | 'warn' | 'error';
  msg: string;
  [field: string]: unknown;
}

export interface RoleParts {
  clock: Clock;
  logger: Logger;
  lifecycle: Lifecycle;
}

/** Waits are short, and time between them passes ten times as fast: what happens every few seconds need not be waited for. */
export function hastyClock(): Clock {
  const start = systemClock.now();
  return {
    now: () => start + (systemClock.now() - start) * 10,
    sleep: (ms, signal) => systemClock.sleep(Math.min(ms, 100), signal),
  };
}

export async function startRole(
  start: (parts: RoleParts) => Promise<Started>,
  clock: Clock = hastyClock(),
): Promise<TestRole> {
  const source = new EventEmitter();
  const lines: LogLine[] = [];
  const logger = loggerInto(lines);
  let running = true;
  let onStarted: (started: Started) => void = () => undefined;
  const isStarted = new Promise<Started>((resolve) => (onStarted = resolve));
  const ended = runLifecycle(async (lifecycle) => onStarted(await start({ clock, logger, lifecycle })), {
    logger,
    source,
  }).then(
    () => undefined,
    (error: unknown) => error,
  );
  void ended.then(() => (running = false));
  const started = await Promise.race([
    isStarted,
    ended.then((error) =>
      Promise.reject(error instanceof Error ? error : new Error('it ended at its start')),
    ),
  ]);
  const stop = async () => {
    source.emit('SIGTERM');
    await ended;
  };
  return {
    started,
    lines,
    ended,
    isRunning: () => running,
    stop,
    metric: async (name) => sumOf(name, await (await fetch(`${started.adminUrl}/metrics`)).text()),
    reasons: async () => {
      const { reasons } = (await (await fetch(`${started.adminUrl}/readyz`)).json()) as { reasons: string[] };
      return reasons;
    },
    [Symbol.asyncDispose]: stop,
  };
}

function loggerInto(lines: LogLine[]): Logger {
  const sink = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      lines.push(JSON.parse(chunk.toString()) as LogLine);
      done();
    },
  });
  return pino({ base: null, formatters: { level: (level) => ({ level }) } }, sink);
}

function sumOf(name: string, metrics: string): number {
  const values = metrics
    .split('\n')
    .filter((line) => line.startsWith(`${name} `) || line.startsWith(`${name}{`))
    .map((line) => Number(line.slice(line.lastIndexOf(' ') + 1)));
  return values.reduce((sum, value) => sum + value, 0);
}
