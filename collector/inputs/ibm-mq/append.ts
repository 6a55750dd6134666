import type { Clock } from '../../../common/clock.ts';
import { describeError } from '../../../common/errors.ts';
import type { Logger } from '../../../common/logger.ts';
import { retry } from '../../../common/retry.ts';
import type { Appender } from '../../append.ts';
import type { CollectorMetrics } from '../../metrics.ts';
import type { Outcome } from '../../outcome.ts';

/** Appends that wait while Redis is away or full: meanwhile nothing is got, and the unit of work stays open. */
export interface PatientAppender {
  /**
   * Resolves once Redis has all of them. Throws what is no matter of waiting, or the last failure once the input stops.
   *
   * @param onWait called before each pause: waiting with a word for it is no stall.
   */
  append(outcomes: readonly Outcome[], onWait: () => void): Promise<void>;
  /** Why it waits, if it does. */
  trouble(): string | undefined;
}

export interface PatientAppenderDeps {
  name: string;
  appender: Appender;
  clock: Clock;
  logger: Logger;
  metrics: CollectorMetrics;
  /** Aborts when the input stops. */
  stopping: AbortSignal;
}

const POLICY = { delayMsMin: 100, delayMsMax: 5_000 };

export function createPatientAppender(deps: PatientAppenderDeps): PatientAppender {
  const { name, appender, clock, logger, metrics, stopping } = deps;
  let failure: string | undefined;
  return {
    append: async (outcomes, onWait) => {
      const onRetry = (error: unknown) => {
        metrics.backPressure.inc({ input: name });
        onWait();
        const reason = describeError(error);
        // One line per outage, not one per getter and attempt.
        if (failure === undefined)
          logger.warn({ error: reason }, 'logs cannot be appended; messages wait in their queues');
        failure = reason;
      };
      await retry(() => appender.append(outcomes), { policy: POLICY, clock, signal: stopping, onRetry });
      if (failure !== undefined) logger.info('logs are appended again');
      failure = undefined;
    },
    trouble: () => (failure === undefined ? undefined : `cannot append: ${failure}`),
  };
}
