import type { Clock } from '../../common/clock.ts';
import { retry } from '../../common/retry.ts';

/** Some 20 s in all: a restart or a failover of Redis, but nothing that somebody should look after. */
const POLICY = { delayMsMin: 200, delayMsMax: 2_000, attemptsMax: 14 };

/** Does work on Redis again while Redis is away for a moment. Throws what it threw last; after `stopping` it is not tried again. */
export function patiently<T>(
  { clock, stopping }: { clock: Clock; stopping: AbortSignal },
  work: () => Promise<T>,
): Promise<T> {
  return retry(work, { policy: POLICY, clock, signal: stopping });
}
