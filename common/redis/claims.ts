import type { Clock } from '../clock.ts';
import { describeError, FencedError, ForeignDataError, RetriableError } from '../errors.ts';
import type { Logger } from '../logger.ts';
import { assignPartitions } from './assignment.ts';
import type { ClaimNews } from './claim-news.ts';
import { acquireClaim, heartbeat, releaseClaim, renewClaim } from './claim-scripts.ts';
import type { Acquired } from './claim-scripts.ts';
import { createTrouble } from './claim-trouble.ts';
import type { Trouble } from './claim-trouble.ts';
import type { RedisClient } from './connection.ts';
import type { Keys } from './keys.ts';

/**
 * Claims: a replica's exclusive, expiring, fenced right to work on a partition for a group. Processors and sinks share this one
 * mechanism.
 *
 * Of each partition, as one replica sees it:
 *
 *   free ──(it is preferred, and the claim could be taken)──▶ held
 *   held ──(another is preferred, nobody may hold any now, or this replica stops)──▶ letting go: the work finishes what is under way ──▶ released, free
 *   held ──(renewal says it is not ours, or Redis was out of reach for a whole TTL)──▶ lost: the work is told to stop, free
 *   held ──(the work was refused by the fence)──▶ lost, free
 *   held ──(the work failed retriably)──▶ held: the work starts over after a pause, under a new token
 *   held ──(what Redis holds is not ours)──▶ held, in trouble: tried again after growing pauses, until a turn of the work is done
 *
 * Replicas look at each heartbeat, and at once when one tells the others that it came, left or let a partition go: a hand-over takes
 * a moment, and the takeover from one that died at most `ttlMs`, since signs of life count for a heartbeat less than that.
 *
 * Safety does not rest on any of this but on the token: every script that changes something checks it, so a replica
 * that sleeps through the loss of its claim changes nothing when it wakes. Nor does what it sent and gave up, which may reach Redis late: it
 * goes on under another token.
 */
export interface Claim {
  partition: number;
  /** `epoch:replica`: what the scripts compare with the claim's key. */
  token: string;
  /** Aborts when the work should finish what is under way and return. */
  signal: AbortSignal;
}

/**
 * Works on a partition until the claim's signal aborts. A FencedError means the claim is lost, a RetriableError means start over, a
 * ForeignDataError that somebody has to look.
 *
 * @param onTurn to be called whenever a turn of the work has been done: what kept it from being done is over then.
 */
export type ClaimWork = (claim: Claim, onTurn: () => void) => Promise<void>;

export interface ClaimsDeps {
  redis: RedisClient;
  keys: Keys;
  group: string;
  replica: string;
  partitions: number;
  /** Whether the group's partitions may be held at all now. A rejection ends the process like any failure. */
  mayHold(): Promise<boolean>;
  news: ClaimNews;
  /** So long after its last sign of life the partitions of a replica have been taken over, at the latest. */
  ttlMs: number;
  /** How often a replica shows that it lives, renews its claims and looks whether the distribution changed. */
  heartbeatMs: number;
  clock: Clock;
  logger: Logger;
  work: ClaimWork;
  /** Called with what keeps the work on a partition from being done, in words, and with undefined once that is over. */
  onTrouble?: (partition: number, words: string | undefined) => void;
  /** Called with an error that is neither retriable nor a lost claim: the process must end. */
  onFailure(error: unknown): void;
}

export interface Claims {
  /** Runs until `signal` aborts; then lets every claim go and says goodbye. Never rejects. */
  run(signal: AbortSignal): Promise<void>;
  held(): number[];
}

/** Pause before work that failed retriably starts over. */
const RESTART_DELAY_MS = 500;
/** News come in bursts, one for each partition that is let go: this long they are gathered. */
const NEWS_PAUSE_MS = 20;

interface Held {
  token: string;
  /** A new token was asked for: that the claim is not the former one's does not mean that it is lost. */
  isChanging: boolean;
  controller: AbortController;
  renewedAt: number;
  done: Promise<void>;
}

export function createClaims(deps: ClaimsDeps): Claims {
  const { redis, keys, group, replica, clock, logger, news } = deps;
  // What is not renewed for so long is free; the others notice at their next heartbeat.
  const leaseMs = deps.ttlMs - deps.heartbeatMs;
  const held = new Map<number, Held>();
  const claimKey = (partition: number) => keys.claim(partition, group);

  const take = (partition: number, former = '') =>
    acquireClaim(redis, claimKey(partition), keys.epoch(partition, group), replica, leaseMs, former);

  /** Takes the claim if it is free; otherwise tells in how many ms it may be. */
  async function acquire(partition: number): Promise<number> {
    const { token, heldMs } = await take(partition);
    if (token === undefined) return heldMs;
    logger.info({ group, partition, token }, 'partition claimed');
    const controller = new AbortController();
    const done = Promise.resolve();
    const claim: Held = { token, isChanging: false, controller, renewedAt: clock.now(), done };
    held.set(partition, claim);
    const current = () => ({ partition, token: claim.token, signal: controller.signal });
    claim.done = runWork(deps, current, () => takeAnew(claim, (former) => take(partition, former), clock))
      .then(() => letGo(partition, claim))
      .catch((error: unknown) => deps.onFailure(error));
    return deps.heartbeatMs;
  }

  async function letGo(partition: number, { token }: Held): Promise<void> {
    held.delete(partition);
    try {
      const released = await releaseClaim(redis, claimKey(partition), token);
      logger.info({ group, partition, token }, released ? 'partition released' : 'partition lost');
      news.tell(group);
    } catch (error) {
      if (!(error instanceof RetriableError)) throw error;
      logger.warn({ group, partition, error: describeError(error) }, 'claim not released; it will expire');
    }
  }

  async function renew(partition: number, claim: Held): Promise<void> {
    const { token } = claim;
    if (await renewClaim(redis, claimKey(partition), token, leaseMs)) claim.renewedAt = clock.now();
    else if (claim.token === token && !claim.isChanging)
      claim.controller.abort(new FencedError('the claim expired or was taken over'));
  }

  /** Shows a sign of life and brings what is held in line with who lives. Returns in how many ms to look again. */
  async function tick(): Promise<number> {
    // Not after the sign of life: in a Cluster each claim may be on another master, and one that is away must not cost the others.
    const renewals = Promise.allSettled([...held].map(([partition, claim]) => renew(partition, claim)));
    const living = await heartbeat(redis, keys.replicas(group), replica, leaseMs, false);
    const wanted = (await deps.mayHold())
      ? (assignPartitions(deps.partitions, living).get(replica) ?? [])
      : [];
    for (const [partition, claim] of held) {
      if (!wanted.includes(partition)) claim.controller.abort();
    }
    const waits = await Promise.all(wanted.filter((partition) => !held.has(partition)).map(acquire));
    const failed = (await renewals).find((renewal) => renewal.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
    return Math.min(deps.heartbeatMs, ...waits);
  }

  return {
    held: () => [...held.keys()].sort((a, b) => a - b),
    run: async (signal) => {
      await everySoOften(deps, tick, () => giveUpExpired(held.values(), clock.now() - leaseMs), signal);
      // First of all, so that the others want the partitions by the time they are free.
      await heartbeat(redis, keys.replicas(group), replica, leaseMs, true).catch((error: unknown) => {
        logger.warn({ group, error: describeError(error) }, 'could not say goodbye; others will notice');
      });
      for (const claim of held.values()) claim.controller.abort();
      await Promise.all([...held.values()].map((claim) => claim.done));
      news.tell(group);
    },
  };
}

/**
 * Calls `tick` at each heartbeat and at each news, or when it asks for it, until the signal aborts.
 *
 * @param onAway called when Redis could not be asked.
 */
async function everySoOften(
  deps: ClaimsDeps,
  tick: () => Promise<number>,
  onAway: () => void,
  signal: AbortSignal,
): Promise<void> {
  const { news, group, heartbeatMs, clock } = deps;
  let wake = new AbortController();
  const silence = news.listen(group, () => wake.abort());
  let joined = false;
  while (!signal.aborted) {
    wake = new AbortController();
    let pauseMs = heartbeatMs;
    try {
      pauseMs = await tick();
      if (!joined) news.tell(group);
      joined = true;
    } catch (error) {
      if (!(error instanceof RetriableError)) deps.onFailure(error);
      onAway();
    }
    await clock.sleep(NEWS_PAUSE_MS, signal);
    await clock.sleep(pauseMs, AbortSignal.any([signal, wake.signal]));
  }
  silence();
}

/** Gives the claim a new token. False if it is lost. */
async function takeAnew(
  claim: Held,
  take: (former: string) => Promise<Acquired>,
  clock: Clock,
): Promise<boolean> {
  claim.isChanging = true;
  try {
    const { token } = await take(claim.token);
    if (token === undefined) return false;
    claim.token = token;
    claim.renewedAt = clock.now();
    return true;
  } finally {
    claim.isChanging = false;
  }
}

/** Redis was out of reach for as long as claims last: others may hold these now. */
function giveUpExpired(held: Iterable<Held>, renewedBefore: number): void {
  for (const claim of held) {
    if (claim.renewedAt < renewedBefore) claim.controller.abort(new FencedError('Redis was out of reach'));
  }
}

/**
 * Until the claim ends. Work starts over under a token of its own, since what it sent before and gave up may reach Redis yet, and would undo what was
 * done since.
 *
 * @param claim as it is now. @param takeAnew gives it a new token; false if it is lost.
 */
async function runWork(
  deps: ClaimsDeps,
  claim: () => Claim,
  takeAnew: () => Promise<boolean>,
): Promise<void> {
  const { partition, signal } = claim();
  const trouble = createTrouble(deps, partition);
  let isOurs = true;
  while (isOurs && !signal.aborted) {
    try {
      await deps.work(claim(), () => trouble.over());
      break;
    } catch (error) {
      if (error instanceof FencedError) isOurs = false;
      else if (!(error instanceof RetriableError)) {
        deps.onFailure(error);
        break;
      } else {
        await deps.clock.sleep(delayAfter(deps, partition, trouble, error), signal);
        isOurs = await untilAsked(deps, takeAnew, signal);
      }
    }
  }
  if (!isOurs) deps.logger.warn({ group: deps.group, partition }, 'refused by the fence: the claim is lost');
  trouble.leave();
}

/** Asks until Redis answers, or the signal aborts. */
async function untilAsked(
  { clock }: ClaimsDeps,
  takeAnew: () => Promise<boolean>,
  signal: AbortSignal,
): Promise<boolean> {
  while (!signal.aborted) {
    try {
      return await takeAnew();
    } catch (error) {
      if (!(error instanceof RetriableError)) throw error;
      await clock.sleep(RESTART_DELAY_MS, signal);
    }
  }
  return true;
}

/** Says what happened, and how long to wait before the work starts over. */
function delayAfter(deps: ClaimsDeps, partition: number, trouble: Trouble, error: RetriableError): number {
  if (error instanceof ForeignDataError) return trouble.begin(describeError(error));
  deps.logger.warn(
    { group: deps.group, partition, error: describeError(error) },
    'work on a partition was interrupted; it starts over',
  );
  return RESTART_DELAY_MS;
}
