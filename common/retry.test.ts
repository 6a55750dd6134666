import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Clock } from './clock.ts';
import { PermanentError, RetriableError } from './errors.ts';
import { backoffMs, decideRetry, retry } from './retry.ts';

const policy = { delayMsMin: 100, delayMsMax: 2_000 };

/** Sleeps take no time; what was slept is written down. */
function countingClock(): Clock & { slept: number[] } {
  const slept: number[] = [];
  return {
    slept,
    now: () => 0,
    sleep: async (ms) => {
      slept.push(ms);
    },
  };
}

describe('backoff', () => {
  it('doubles up to its bound, and is never below half of the ceiling', () => {
    expect([1, 2, 3, 4, 5, 6, 7].map((attempt) => backoffMs(attempt, policy, 0))).toEqual([
      50, 100, 200, 400, 800, 1000, 1000,
    ]);
  });

  it('stays within its bounds for every attempt and every chance', () => {
    fc.assert(
      fc.property(
        fc.nat(),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (attempt, random) => {
          const ms = backoffMs(attempt, policy, random);
          expect(ms).toBeGreaterThanOrEqual(policy.delayMsMin / 2);
          expect(ms).toBeLessThanOrEqual(policy.delayMsMax);
        },
      ),
    );
  });
});

describe('the decision', () => {
  it('repeats what is retriable and nothing else', () => {
    expect(decideRetry(new RetriableError('away'), 1, policy, 0)).toEqual({ kind: 'retry', delayMs: 50 });
    expect(decideRetry(new PermanentError('no'), 1, policy, 0)).toEqual({ kind: 'stop' });
    expect(decideRetry(new TypeError('a bug'), 1, policy, 0)).toEqual({ kind: 'stop' });
  });

  it('ends after the last attempt', () => {
    const error = new RetriableError('away');
    expect(decideRetry(error, 2, { ...policy, attemptsMax: 3 }, 0).kind).toBe('retry');
    expect(decideRetry(error, 3, { ...policy, attemptsMax: 3 }, 0).kind).toBe('stop');
  });
});

describe('retry', () => {
  const never = new AbortController().signal;

  it('returns what the first successful attempt gave', async () => {
    const clock = countingClock();
    const work = async (attempt: number) => {
      if (attempt < 3) throw new RetriableError('away');
      return attempt;
    };
    await expect(retry(work, { policy, clock, signal: never, random: () => 0 })).resolves.toBe(3);
    expect(clock.slept).toEqual([50, 100]);
  });

  it('throws the last error once the signal aborts in a pause', async () => {
    const controller = new AbortController();
    const attempts: number[] = [];
    const running = retry(
      async (attempt) => {
        attempts.push(attempt);
        throw new RetriableError(`attempt ${attempt}`);
      },
      {
        policy,
        clock: countingClock(),
        signal: controller.signal,
        onRetry: (_error, n) => n === 4 && controller.abort(),
      },
    );
    await expect(running).rejects.toThrow('attempt 4');
    expect(attempts).toEqual([1, 2, 3, 4]);
  });

  it('does not repeat a bug', async () => {
    const clock = countingClock();
    await expect(
      retry(() => Promise.reject(new TypeError('bug')), { policy, clock, signal: never }),
    ).rejects.toThrow('bug');
    expect(clock.slept).toEqual([]);
  });
});
