import { setTimeout as delay } from 'node:timers/promises';
import { describeError } from './errors.ts';
import type { Logger } from './logger.ts';

/**
 * A process' life, the same for every role:
 *
 *   starting ──▶ running ──(SIGINT, SIGTERM, SIGHUP, the parent is gone, or `fail`)──▶ stopping ──▶ stopped
 *                                                   stopping ──(a second signal, or the bound has passed)──▶ forced ──▶ stopped
 *
 * stopping: `stopping` aborts; then the parts are stopped one after the other, the last one that was added first, so that what
 * feeds goes before what is fed. forced: `force` aborts, which tells every wait to give up; parts that do not even heed that within
 * a moment are left behind and named in the log. A stop that is asked for while the process is still starting waits for the
 * start to end, which obeys `stopping`.
 */
export interface Lifecycle {
  /** Aborts when the process should finish what is under way and end. */
  readonly stopping: AbortSignal;
  /** Aborts when waiting any longer is pointless. Always after `stopping`. */
  readonly force: AbortSignal;
  /** Adds a part that is to be stopped. `stop` is called once. */
  onStop(name: string, stop: () => Promise<void>): void;
  /** A part can not go on: the process stops in order, then `runLifecycle` throws the first such error. */
  fail(error: unknown): void;
}

export interface LifecycleOptions {
  logger: Logger;
  /** How long the parts get to stop, all together. */
  stopMsMax?: number;
  /** Where signals come from; for tests. `process` if not given. */
  source?: SignalSource;
}

/** What we use of `process`. */
export interface SignalSource {
  /** Whether the parent that started us through an IPC channel is still there; undefined if none did. */
  readonly connected?: boolean | undefined;
  on(event: string, listener: () => void): unknown;
  off(event: string, listener: () => void): unknown;
}

/** Less than the 5 s that `tranweave up` gives all its parts together. */
const STOP_MS_MAX = 3_000;
/** How long a part gets to notice `force`. */
const FORCE_GRACE_MS = 500;
/** `disconnect`: the parent that started us through an IPC channel is gone, so nobody would ever stop us. */
const STOP_EVENTS = ['SIGINT', 'SIGTERM', 'SIGHUP', 'disconnect'] as const;

/**
 * Runs a role: calls `start`, which starts the parts and adds them with `onStop`, then waits until the process is
 * told to stop, and stops them. Throws what `start` threw or what was given to `fail`, after the parts have stopped.
 */
export async function runLifecycle(
  start: (lifecycle: Lifecycle) => Promise<void>,
  options: LifecycleOptions,
): Promise<void> {
  const { logger, source = process, stopMsMax = STOP_MS_MAX } = options;
  const stopping = new AbortController();
  const force = new AbortController();
  const parts: { name: string; stop: () => Promise<void> }[] = [];
  const failures: unknown[] = [];

  const listeners = STOP_EVENTS.map((event) => {
    const listener = () => {
      logger.info({ signal: event }, stopping.signal.aborted ? 'stopping at once' : 'stopping');
      if (stopping.signal.aborted) force.abort();
      else stopping.abort();
    };
    source.on(event, listener);
    return { event, listener };
  });
  const fail = (error: unknown) => {
    failures.push(error);
    stopping.abort();
  };
  let bound: NodeJS.Timeout | undefined;
  stopping.signal.addEventListener('abort', () => {
    bound = setTimeout(() => force.abort(), stopMsMax);
  });
  const onStop = (name: string, stop: () => Promise<void>) => {
    parts.push({ name, stop });
  };
  let started = Promise.resolve();
  if (source.connected === false) {
    // The parent went before anybody listened: its event will not come again.
    logger.info({ signal: 'disconnect' }, 'not started');
    stopping.abort();
  } else {
    started = start({ stopping: stopping.signal, force: force.signal, onStop, fail }).catch(fail);
  }
  try {
    await Promise.race([started, forcedLongAgo(force.signal)]);
    await aborted(stopping.signal);
    await stopParts(parts, force.signal, logger, fail);
  } finally {
    clearTimeout(bound);
    for (const { event, listener } of listeners) source.off(event, listener);
  }
  if (failures.length > 0) throw failures[0];
}

async function stopParts(
  parts: readonly { name: string; stop: () => Promise<void> }[],
  force: AbortSignal,
  logger: Logger,
  fail: (error: unknown) => void,
): Promise<void> {
  const left = new Set(parts.map((part) => part.name));
  const allStopped = (async () => {
    for (const { name, stop } of parts.toReversed()) {
      await stop().catch((error: unknown) => {
        logger.error({ part: name, error: describeError(error) }, 'part did not stop cleanly');
        fail(error);
      });
      left.delete(name);
    }
  })();
  await Promise.race([allStopped, forcedLongAgo(force)]);
  if (left.size > 0) logger.error({ parts: [...left] }, 'left behind: these parts did not stop in time');
}

async function forcedLongAgo(force: AbortSignal): Promise<void> {
  await aborted(force);
  await delay(FORCE_GRACE_MS, undefined, { ref: false });
}

/** Resolves when the signal aborts. */
export function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
