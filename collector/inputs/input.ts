import * as v from 'valibot';
import type { Clock } from '../../common/clock.ts';
import type { Component } from '../../common/component.ts';
import { partName } from '../../common/config-values.ts';
import type { Health } from '../../common/health.ts';
import type { Logger } from '../../common/logger.ts';
import type { RedisClient } from '../../common/redis/connection.ts';
import type { Keys } from '../../common/redis/keys.ts';
import type { Appender } from '../append.ts';
import { conditionSchema } from '../condition.ts';
import { mappingSchema } from '../mapping.ts';
import { maskingSchema } from '../masking/config.ts';
import type { CollectorMetrics } from '../metrics.ts';
import type { RecordPipeline } from '../outcome.ts';

/** Settings that every input has; spread into its schema. An input of bytes adds `decoder` (decoders/registry.ts). */
export const inputEntries = {
  name: partName(
    'Name of the input, unique in the config. Part of event ids and of what is remembered of its sources: under a new name everything is collected again.',
  ),
  skip: v.exactOptional(
    v.pipe(
      conditionSchema,
      v.description(
        'Records that are not to be logs: those of which this condition on their decoded fields holds. They are counted, and nothing of them is kept. See [`mapping`](#mapping-fields-to-the-standard-log).',
      ),
    ),
  ),
  mapping: v.exactOptional(mappingSchema),
  masking: v.exactOptional(maskingSchema),
};

/**
 * Where logs come from. An input cuts records out of its source, runs each through the pipeline, hands the
 * outcomes to the appender, and only when the append has resolved does it acknowledge to its source (answer the
 * request, commit the queue, move the file position).
 *
 * Call order: `start()` once, then `stop()`; `stop()` is also safe twice and before start. `start` resolves when the input
 * takes records, and rejects with a FatalError when it never can (port taken). After `stop` has resolved nothing more is
 * appended; it waits for appends under way, at most until `deps.force` aborts.
 *
 * Failures: a RetriableError of the appender (BackPressureError among them) makes the input wait or tell its sender to;
 * nothing is dropped and what is buffered stays bounded. Any other error that ends a loop of the input's own goes to
 * `deps.fail`: the process then stops.
 */
export interface Input {
  start(): Promise<void>;
  stop(): Promise<void>;
  /** What keeps the input from taking records now, in words, or undefined while it works. For /readyz. */
  trouble(): string | undefined;
  /** Where senders reach it, if they do: `http://127.0.0.1:8080/v1/logs`. Known after `start`. */
  address?(): string;
}

export interface InputDeps {
  /** The input's configured name, unique in the config. */
  name: string;
  /** Where the input stands in the config: `inputs[0]`. */
  configKey: string;
  /** Name of the machine: sources of two machines are never the same. */
  node: string;
  pipeline: RecordPipeline;
  appender: Appender;
  /** How many partitions what is appended is spread over. */
  partitions: number;
  redis: RedisClient;
  keys: Keys;
  clock: Clock;
  logger: Logger;
  metrics: CollectorMetrics;
  health: Health;
  /** Aborts when waiting any longer is pointless (the process is about to be ended). */
  force: AbortSignal;
  fail(error: unknown): void;
}

export type InputComponent<Config> = Component<Config, InputDeps, Input>;
