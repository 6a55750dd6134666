import { RateLimiterMemory, RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible';
import type { RedisClient } from '../common/redis/connection.ts';
import type { Keys } from '../common/redis/keys.ts';
import type { Caller } from './keys.ts';
import { ApiProblem } from './problem.ts';

/** How many requests a caller may make. */
export interface RateLimit {
  /**
   * Counts a request; returns the headers that tell what is left. Throws a 429 when nothing is.
   * https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/
   */
  take(caller: Caller): Promise<Readonly<Record<string, string>>>;
}

const WINDOW_SECONDS = 60;
/** What callers are counted under where there are no keys; no key can have this name. */
const EVERYBODY = '(everybody)';

/**
 * Windows of a minute that begin with a caller's first request, counted in Redis, so that the limit holds over all replicas. While Redis
 * cannot count (away, or full), each replica counts by itself: the limit then holds for each.
 */
export function createRateLimit(redis: RedisClient, keys: Keys): RateLimit {
  const limiters = new Map<string, RateLimiterRedis>();

  function limiterOf({ name, rateLimit }: Caller): RateLimiterRedis {
    const known = limiters.get(name);
    if (known !== undefined) return known;
    const bound = { points: rateLimit, duration: WINDOW_SECONDS, keyPrefix: keys.rateLimits() };
    const limiter = new RateLimiterRedis({
      ...bound,
      storeClient: redis,
      rejectIfRedisNotReady: true,
      insuranceLimiter: new RateLimiterMemory(bound),
    });
    limiters.set(name, limiter);
    return limiter;
  }

  return {
    take: async (caller) => {
      try {
        const left = await limiterOf(caller).consume(caller.name === '' ? EVERYBODY : caller.name);
        return headersOf(caller, left);
      } catch (error) {
        if (!(error instanceof RateLimiterRes)) throw error;
        const headers = { ...headersOf(caller, error), 'Retry-After': String(secondsUntilNext(error)) };
        throw new ApiProblem(
          429,
          `${caller.rateLimit} requests a minute are allowed, and that many were made`,
          {
            headers,
          },
        );
      }
    },
  };
}

function headersOf({ rateLimit }: Caller, left: RateLimiterRes): Record<string, string> {
  return {
    'RateLimit-Policy': `"minute";q=${rateLimit};w=${WINDOW_SECONDS}`,
    RateLimit: `"minute";r=${left.remainingPoints};t=${secondsUntilNext(left)}`,
  };
}

function secondsUntilNext({ msBeforeNext }: RateLimiterRes): number {
  return Math.max(1, Math.ceil(msBeforeNext / 1000));
}
