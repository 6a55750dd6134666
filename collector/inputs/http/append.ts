import type { Clock } from '../../../common/clock.ts';
import { describeError, RetriableError } from '../../../common/errors.ts';
import type { Health } from '../../../common/health.ts';
import type { Logger } from '../../../common/logger.ts';
import type { Appender } from '../../append.ts';
import type { CollectorMetrics } from '../../metrics.ts';
import type { Outcome } from '../../outcome.ts';

/** The appender as an input of many requests sees it: counted, watched, and remembered when it last failed. */
export interface WatchedAppender {
  /** As Appender.append. */
  append(outcomes: readonly Outcome[]): Promise<void>;
  /** Why the last append failed, if it did of late. */
  trouble(): string | undefined;
  /** No appends come any more. */
  remove(): void;
}

export interface WatchedAppenderDeps {
  name: string;
  appender: Appender;
  clock: Clock;
  health: Health;
  logger: Logger;
  metrics: CollectorMetrics;
}

/** Appends are bounded by `redis.command_timeout`; one that takes so much longer hangs. */
const STALL_MS = 60_000;
/**
 * How long a failure counts as trouble. Who is told by /readyz to send no requests brings no append that could succeed, so
 * trouble must pass by itself.
 */
const TROUBLE_MS = 10_000;

export function createWatchedAppender(deps: WatchedAppenderDeps): WatchedAppender {
  const { name, appender, clock, health, logger, metrics } = deps;
  const part = health.part(`input ${name}`, STALL_MS);
  let underWay = 0;
  let failure: { at: number; reason: string } | undefined;

  function settled(error?: unknown): void {
    underWay -= 1;
    if (underWay === 0) part.idle();
    else part.progress();
    // One line per outage, not one per request; errors that are none of the environment are logged by the routes.
    if (error instanceof RetriableError && failure === undefined) {
      logger.warn({ error: describeError(error) }, 'logs cannot be appended; senders are told to come back');
    }
    if (error === undefined && failure !== undefined) logger.info('logs are appended again');
    failure = error === undefined ? undefined : { at: clock.now(), reason: describeError(error) };
  }

  function count(outcomes: readonly Outcome[]): void {
    const kinds = { log: 0, row: 0, dead_letter: 0, skip: 0 };
    for (const { kind } of outcomes) kinds[kind] += 1;
    metrics.logs.inc({ input: name }, kinds.log + kinds.row);
    metrics.deadLetters.inc({ input: name }, kinds.dead_letter);
    metrics.skipped.inc({ input: name }, kinds.skip);
  }

  return {
    append: async (outcomes) => {
      underWay += 1;
      part.begin();
      try {
        await appender.append(outcomes);
      } catch (error) {
        settled(error);
        throw error;
      }
      settled();
      count(outcomes);
    },
    trouble: () =>
      failure === undefined || clock.now() - failure.at > TROUBLE_MS
        ? undefined
        : `input ${name} cannot append: ${failure.reason}`,
    remove: () => part.remove(),
  };
}
