import { describeError } from '../errors.ts';
import type { Logger } from '../logger.ts';
import { connectSubscriber } from './connection.ts';
import type { RedisClient, RedisConfig } from './connection.ts';
import type { Keys } from './keys.ts';
import { reply } from './redis-error.ts';

/**
 * Word among the replicas of a group that one came or left, or let a partition go: the others look at once and not at their next
 * heartbeat. Only a hint, by Redis' publish and subscribe, which promises nothing: news that is lost costs a heartbeat.
 */
export interface ClaimNews {
  /** Tells all replicas of the group, this process' own included. Never throws and is not waited for. */
  tell(group: string): void;
  /** Calls the listener at every news of the group, until the function that is returned is called. */
  listen(group: string, listener: () => void): () => void;
  stop(): void;
}

export interface ClaimNewsDeps {
  /** For telling; a connection that listens can do nothing else. */
  redis: RedisClient;
  redisConfig: RedisConfig;
  keys: Keys;
  logger: Logger;
}

const SUBSCRIBE_AGAIN_MS = 5_000;

/** Tells all replicas of the group that there is something to look at. Never throws and is not waited for. */
export function tellClaimNews(redis: RedisClient, keys: Keys, logger: Logger, group: string): void {
  void quietly(logger, 'news of claims not told', redis.publish(keys.claimNews(), group));
}

async function quietly(logger: Logger, what: string, command: Promise<unknown>): Promise<void> {
  try {
    await reply(command);
  } catch (error) {
    // Without the right to use the channel (ACL) or without Redis, heartbeats do the same more slowly.
    logger.debug({ error: describeError(error) }, what);
  }
}

export function createClaimNews({ redis, redisConfig, keys, logger }: ClaimNewsDeps): ClaimNews {
  const channel = keys.claimNews();
  const listeners = new Map<string, Set<() => void>>();
  const { subscriber, disconnect } = connectSubscriber(redis, redisConfig, logger);

  let subscribing = false;
  const subscribe = async () => {
    if (subscribing) return;
    subscribing = true;
    await quietly(logger, 'cannot listen for news of claims', subscriber.subscribe(channel));
    subscribing = false;
  };
  if (subscriber.status === 'ready') void subscribe();
  // With every new connection: who reconnects has to subscribe again.
  subscriber.on('ready', () => void subscribe());
  // Now and then, too: it changes nothing, unless a Cluster's client moved to another node meanwhile and it got lost.
  const timer = setInterval(() => void subscribe(), SUBSCRIBE_AGAIN_MS).unref();
  subscriber.on('message', (_channel: string, group: string) => {
    for (const listener of listeners.get(group) ?? []) listener();
  });
  return {
    tell: (group) => tellClaimNews(redis, keys, logger, group),
    listen: (group, listener) => {
      const known = listeners.get(group) ?? new Set();
      listeners.set(group, known.add(listener));
      return () => known.delete(listener);
    },
    stop: () => {
      clearInterval(timer);
      disconnect();
    },
  };
}
