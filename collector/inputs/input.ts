import type { Clock } from '../../common/clock.ts';
import type { Component } from '../../common/component.ts';
import type { Logger } from '../../common/logger.ts';
import type { Appender } from '../append.ts';
import type { CollectorMetrics } from '../metrics.ts';
import type { RecordPipeline } from '../outcome.ts';

/**
 * Where logs come from. An input cuts records out of its source, runs each through the pipeline, hands the
 * outcomes to the appender, and only when the append has resolved does it acknowledge to its source (answer the
 * request, commit the queue, move the file position).
 *
 * Call order: `start()` once, then `stop()`; `stop()` is also safe twice and before start. `start` resolves when the input
 * takes records, and rejects with a FatalError when it never can (port taken). After `stop` has resolved nothing more is
 * appended; it waits for appends under way, at most until `deps.signal` aborts.
 *
 * Failures: a RetriableError of the appender (BackPressureError among them) makes the input wait or tell its sender to;
 * nothing is dropped and what is buffered stays bounded.
 */
export interface Input {
  start(): Promise<void>;
  stop(): Promise<void>;
  /** What keeps the input from taking records now, in words, or undefined while it works. For /readyz. */
  trouble(): string | undefined;
}

export interface InputDeps {
  /** The input's configured name, unique in the config. */
  name: string;
  pipeline: RecordPipeline;
  appender: Appender;
  clock: Clock;
  logger: Logger;
  metrics: CollectorMetrics;
  /** Aborts when waiting any longer is pointless (the process is about to be ended). */
  signal: AbortSignal;
}

export type InputComponent<Config> = Component<Config, InputDeps, Input>;
