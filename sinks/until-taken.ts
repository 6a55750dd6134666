import type { Clock } from '../common/clock.ts';
import { describeError, RetriableError } from '../common/errors.ts';
import type { Logger } from '../common/logger.ts';
import { retry } from '../common/retry.ts';
import type { RetryPolicy } from '../common/retry.ts';
import type { Pace } from './pace.ts';
import { PressureError } from './pressure.ts';
import type { Slots } from './slots.ts';

const WRITE_RETRY: RetryPolicy = { delayMsMin: 200, delayMsMax: 10_000 };

/** Whose batch it is that a store is to take: a stream's, or that of several which write together. */
export interface Writer {
  slots: Slots;
  pace: Pace;
  clock: Clock;
  logger: Logger;
  /** Aborts when nobody is left who may write it. */
  signal: AbortSignal;
  /** Its streams, for the log. */
  streams(): string;
  onIdle(): void;
  onProgress(): void;
  /** Called with every attempt that failed. */
  onRetry(): void;
  /** Called with what is wrong, in words, and with undefined when it is over. */
  onTrouble(words: string | undefined): void;
}

/**
 * Attempts with growing pauses until one succeeds. Each waits for a turn of its own, so that a batch which a store does not take holds up its own
 * streams and no others. Undefined if the signal aborted before.
 */
export async function untilTaken<T>(writer: Writer, attempt: () => Promise<T>): Promise<T | undefined> {
  const { slots, clock, signal } = writer;
  let troubled = false;
  const inTurn = async (): Promise<T> => {
    // Others of the same store are at work meanwhile; waiting for them is no stall of ours.
    writer.onIdle();
    const done = await slots.run(async () => {
      writer.onProgress();
      return { result: await attempt() };
    }, signal);
    writer.onProgress();
    if (done === undefined) throw new RetriableError('the claim ended');
    return done.result;
  };
  try {
    return await retry(inTurn, {
      policy: WRITE_RETRY,
      clock,
      signal,
      onRetry: (error, attempts) => {
        troubled = true;
        writer.onRetry();
        if (error instanceof PressureError) writer.pace.onPressure(error.pressure);
        writer.onTrouble(describeError(error));
        writer.logger.warn(
          { stream: writer.streams(), attempts, error: describeError(error) },
          'a batch is not stored yet',
        );
      },
    });
  } catch (error) {
    if (signal.aborted && error instanceof RetriableError) return undefined;
    throw error;
  } finally {
    // Only what was ours: others of the sink may be in trouble of their own.
    if (troubled) writer.onTrouble(undefined);
  }
}
