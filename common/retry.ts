import type { Clock } from './clock.ts';
import { RetriableError } from './errors.ts';

/** Whether and when to try again. The decision is pure; the loop owns the state. */

export interface RetryPolicy {
  /** Ceiling of the first pause; each further one is twice the one before. */
  delayMsMin: number;
  /** No pause is longer than this. */
  delayMsMax: number;
  /** Attempts in all, the first one included. Without it only the signal ends the trying. */
  attemptsMax?: number;
}

/** Doubling past this many times is past every sensible `delayMsMax` anyway. */
const DOUBLINGS_MAX = 20;

/**
 * The pause before attempt `attempt + 1`, after `attempt` of them failed (1, 2, …). Half of it is chance, so that senders
 * which failed together do not come back together; the other half is not, so that none comes back at once.
 *
 * @param random a number in [0, 1).
 */
export function backoffMs(attempt: number, policy: RetryPolicy, random: number): number {
  const doublings = Math.min(Math.max(attempt - 1, 0), DOUBLINGS_MAX);
  const ceiling = Math.min(policy.delayMsMin * 2 ** doublings, policy.delayMsMax);
  return ceiling / 2 + (ceiling / 2) * random;
}

export type RetryDecision = { kind: 'retry'; delayMs: number } | { kind: 'stop' };

/** Only a RetriableError is worth another attempt: everything else fails again, or is a bug that a repetition would hide. */
export function decideRetry(
  error: unknown,
  attempt: number,
  policy: RetryPolicy,
  random: number,
): RetryDecision {
  if (!(error instanceof RetriableError)) return { kind: 'stop' };
  if (policy.attemptsMax !== undefined && attempt >= policy.attemptsMax) return { kind: 'stop' };
  return { kind: 'retry', delayMs: backoffMs(attempt, policy, random) };
}

export interface RetryDeps {
  policy: RetryPolicy;
  clock: Clock;
  /** Ends the waiting. */
  signal: AbortSignal;
  /** Called before each pause: the place to log and count. */
  onRetry?: (error: unknown, attempt: number, delayMs: number) => void;
  /** For tests; Math.random if not given. */
  random?: () => number;
}

/**
 * Does `work` until it succeeds. Throws what the last attempt threw: at once if it is not retriable, after
 * `attemptsMax` attempts, or as soon as the signal aborts. Work that is under way then is waited for, never left running.
 */
export async function retry<T>(work: (attempt: number) => Promise<T>, deps: RetryDeps): Promise<T> {
  const { policy, clock, signal, onRetry, random = Math.random } = deps;
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work(attempt);
    } catch (error) {
      const decision = decideRetry(error, attempt, policy, random());
      if (decision.kind === 'stop' || signal.aborted) throw error;
      onRetry?.(error, attempt, decision.delayMs);
      await clock.sleep(decision.delayMs, signal);
      if (signal.aborted) throw error;
    }
  }
}
