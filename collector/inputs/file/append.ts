import type { Clock } from '../../../common/clock.ts';
import { describeError } from '../../../common/errors.ts';
import type { HealthPart } from '../../../common/health.ts';
import type { Logger } from '../../../common/logger.ts';
import { retry } from '../../../common/retry.ts';
import type { PositionedOutcome, SourceAppender } from '../../append.ts';
import type { CollectorMetrics } from '../../metrics.ts';

/** What one turn made of a chunk: the outcomes of the records between two positions of a source. */
export interface Batch {
  source: SourceAppender;
  outcomes: readonly PositionedOutcome[];
  from: number;
  end: number;
}

/** Whether Redis has what it was given. */
export type Fate = 'kept' | 'lost';

/** What a turn of reading came to. */
export type Step =
  /** There may be more to read at once. */
  | { kind: 'more'; batch: Batch | undefined }
  /** Read to its end, for now. */
  | { kind: 'waiting'; batch: Batch | undefined }
  /** The content was truncated or replaced. */
  | { kind: 'ended' }
  /** What the last scan said of the file does not hold any more. */
  | { kind: 'moved' };

/** Work on Redis that waits, for as long as it takes, while Redis is away or full. */
export interface PatientRedis {
  /** Does the work until it succeeds. Throws what is no matter of waiting, or the last failure once the input stops. */
  patiently<T>(work: () => Promise<T>): Promise<T>;
  /** Appends the batch and counts it; the same way. Does nothing if the input stops before it was begun. */
  append(batch: Batch): Promise<void>;
  /** Why it waits, if it does. */
  trouble(): string | undefined;
}

export interface PatientRedisDeps {
  name: string;
  clock: Clock;
  logger: Logger;
  metrics: CollectorMetrics;
  part: HealthPart;
  /** Aborts when the input stops. */
  stopping: AbortSignal;
}

const POLICY = { delayMsMin: 100, delayMsMax: 5_000 };

export function createPatientRedis(deps: PatientRedisDeps): PatientRedis {
  const { name, clock, logger, metrics, part, stopping } = deps;
  let failure: string | undefined;

  function onRetry(error: unknown): void {
    metrics.backPressure.inc({ input: name });
    // Waiting with a word for it is no stall.
    part.progress();
    const reason = describeError(error);
    // One line per outage, not one per file and attempt.
    if (failure === undefined) logger.warn({ error: reason }, 'logs cannot be appended; files wait');
    failure = reason;
  }

  async function patiently<T>(work: () => Promise<T>): Promise<T> {
    const result = await retry(work, { policy: POLICY, clock, signal: stopping, onRetry });
    if (failure !== undefined) logger.info('logs are appended again');
    failure = undefined;
    return result;
  }

  return {
    patiently,
    append: async (batch) => {
      if (stopping.aborted) return;
      await patiently(() => batch.source.append(batch.outcomes, batch.end));
      count(batch);
    },
    trouble: () => (failure === undefined ? undefined : `input ${name} cannot append: ${failure}`),
  };

  function count({ outcomes, from, end }: Batch): void {
    const kinds = { log: 0, row: 0, dead_letter: 0, skip: 0 };
    for (const { outcome } of outcomes) kinds[outcome.kind] += 1;
    metrics.logs.inc({ input: name }, kinds.log + kinds.row);
    metrics.deadLetters.inc({ input: name }, kinds.dead_letter);
    metrics.skipped.inc({ input: name }, kinds.skip);
    metrics.bytes.inc({ input: name }, end - from);
  }
}
