import type { Clock } from '../../common/clock.ts';
import { FencedError, RetriableError } from '../../common/errors.ts';
import { acquireClaim, holderOf, releaseClaim, renewClaim } from '../../common/redis/claim-scripts.ts';
import type { RedisClient } from '../../common/redis/connection.ts';
import { PROCESSOR_GROUP } from '../../common/redis/groups.ts';
import type { Keys } from '../../common/redis/keys.ts';
import { reply } from '../../common/redis/redis-error.ts';

/**
 * The claims that a change holds until it is over: the one on the change itself, which keeps a second command out, and those on every
 * partition for every group, which say that whoever had them has let go. They are renewed all the while. Scripts compare
 * the tokens, so a command that slept through the loss of its claims changes nothing when it wakes.
 */
export interface Hold {
  /** Tries to take the claim on the change; undefined if it is held now, or else who has it. */
  takeChange(): Promise<string | undefined>;
  /** Tries to take a partition for a group; true if it is held now. Redis' failures are thrown. */
  take(partition: number, group: string): Promise<boolean>;
  /** What the scripts compare with the claim on the change. Throws a FencedError when it is not held. */
  changeToken(): string;
  /** What the scripts compare with the processors' claim. Throws a FencedError when it is not held. */
  token(partition: number): string;
  /** Stops renewing and lets everything go, as far as Redis can be reached. Safe twice. */
  release(): Promise<void>;
}

export interface HoldDeps {
  redis: RedisClient;
  keys: Keys;
  /** Who holds them, as `status` shows it. */
  holder: string;
  ttlMs: number;
  clock: Clock;
}

export function createHold({ redis, keys, holder, ttlMs, clock }: HoldDeps): Hold {
  /** Claim's key → its token. */
  const held = new Map<string, string>();
  const over = new AbortController();
  let renewing: Promise<void> | undefined;

  async function takeKey(claimKey: string, epochKey: string): Promise<boolean> {
    if (held.has(claimKey)) return true;
    const { token } = await acquireClaim(redis, claimKey, epochKey, holder, ttlMs);
    if (token === undefined) return false;
    held.set(claimKey, token);
    renewing ??= renewAll();
    return true;
  }

  async function renewAll(): Promise<void> {
    for (;;) {
      await clock.sleep(ttlMs / 4, over.signal);
      if (over.signal.aborted) return;
      await Promise.all([...held].map(([key, token]) => renew(key, token)));
    }
  }

  async function renew(key: string, token: string): Promise<void> {
    try {
      if (!(await renewClaim(redis, key, token, ttlMs))) held.delete(key);
    } catch (error) {
      // While Redis is away nothing can be changed either; whether the claim outlived that, the scripts will say.
      if (!(error instanceof RetriableError)) held.delete(key);
    }
  }

  function tokenOf(key: string): string {
    const token = held.get(key);
    if (token === undefined) throw new FencedError('the claims of this command have expired');
    return token;
  }

  return {
    takeChange: async () => {
      if (await takeKey(keys.changeClaim(), keys.changeEpoch())) return undefined;
      return holderOf((await reply(redis.get(keys.changeClaim()))) ?? '0:nobody any more');
    },
    take: (partition, group) => takeKey(keys.claim(partition, group), keys.epoch(partition, group)),
    changeToken: () => tokenOf(keys.changeClaim()),
    token: (partition) => tokenOf(keys.claim(partition, PROCESSOR_GROUP)),
    release: async () => {
      over.abort();
      await renewing;
      await Promise.allSettled([...held].map(([key, token]) => releaseClaim(redis, key, token)));
      held.clear();
    },
  };
}
