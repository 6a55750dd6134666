import type { Clock } from '../common/clock.ts';
import { RetriableError } from '../common/errors.ts';

/** How soon a collector that nobody sends anything to notices that it must be started anew. */
const LOOK_MS = 2_000;

/**
 * Looks every so often, until the signal aborts, whether the number of partitions was changed: what is appended is refused anyway, but a
 * quiet collector shall not wait for that. Throws the FatalError of `look` once it was.
 */
export async function watchPartitions(
  look: () => Promise<unknown>,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    try {
      await look();
    } catch (error) {
      // Redis is away: appends say so themselves.
      if (!(error instanceof RetriableError)) throw error;
    }
    await clock.sleep(LOOK_MS, signal);
  }
}
