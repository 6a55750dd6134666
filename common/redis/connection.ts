import { Cluster, Redis } from 'ioredis';
import * as v from 'valibot';
import { duration } from '../config-values.ts';
import { FatalError, RetriableError } from '../errors.ts';
import type { Logger } from '../logger.ts';
import { createCluster, masterOf, mastersOfCluster, parseAddress, untilNodesSettled } from './cluster.ts';
import type { NodeOptions } from './cluster.ts';
import { joinWrites } from './joined-writes.ts';
import { meaningOf } from './redis-error.ts';

/** Connections to Redis: one server or a Cluster, with every option whose default could move given on purpose. */

export const redisConfigSchema = v.strictObject({
  url: v.optional(
    v.pipe(
      v.string('must be a text'),
      v.regex(/^(redis|rediss|valkey):\/\//, 'must start with redis:// or, for TLS, rediss://'),
      v.description(
        'The Redis server: `redis://host:port/db`, `rediss://` for TLS. Not used with `cluster`.',
      ),
    ),
    'redis://127.0.0.1:6399',
  ),
  cluster: v.optional(
    v.pipe(
      v.array(
        v.pipe(v.string(), v.regex(/^[^:\s]+:\d+$/, 'must be host:port')),
        'must be a list of host:port',
      ),
      v.description(
        'Some nodes of a Redis Cluster as `host:port`; the others are found through them. Empty: one server.',
      ),
    ),
    [],
  ),
  prefix: v.optional(
    v.pipe(
      v.string('must be a text'),
      v.regex(/^[A-Za-z0-9_.-]{1,64}$/, 'must be 1 to 64 letters, digits, _, . or -'),
      v.description('First part of every key; two deployments can share a Redis under two prefixes.'),
    ),
    'tranweave',
  ),
  username: v.exactOptional(
    v.pipe(v.string(), v.description('User of the Redis ACL, if not the default one.')),
  ),
  password: v.exactOptional(
    v.pipe(v.string(), v.description('Password; better given as `${REDIS_PASSWORD}`.')),
  ),
  command_timeout: v.optional(
    v.pipe(
      duration('How long a command may take before it counts as failed and is tried again. 100ms to 1h.'),
      v.minValue(100, 'must be at least 100ms'),
      // The library's own timer fires at once when it is set to more than 24 days.
      v.maxValue(3_600_000, 'must be at most 1h'),
    ),
    '5s',
  ),
});
export type RedisConfig = v.InferOutput<typeof redisConfigSchema>;

export type RedisClient = Redis | Cluster;

/** Longest wait between two attempts to connect. */
const RECONNECT_DELAY_MS_MAX = 2_000;
const CONNECT_TIMEOUT_MS = 5_000;
/** Longest BLOCK that a read may ask for on a connection of its own. */
const BLOCK_MS_MAX = 1_000;

/**
 * A connection that is made in the background. Commands fail at once while it is down instead of piling up in memory: whoever sent
 * them waits and repeats (retry.ts). Nothing is resent on its own after a lost connection, since only the sender knows
 * whether a repetition is harmless.
 */
export function connectRedis(config: RedisConfig, logger: Logger): RedisClient {
  const options = optionsOf(config);
  const nodes = config.cluster.map(parseAddress);
  const client =
    nodes.length === 0
      ? new Redis(urlOf(config), {
          ...options,
          retryStrategy: reconnectMs,
          commandTimeout: config.command_timeout,
        })
      : createCluster(nodes, options, config.command_timeout, reconnectMs, logger);
  if (client instanceof Redis) joinWrites(client);
  logOutages(client, logger);
  return client;
}

/**
 * A connection of its own for blocking reads of one stream, so that they hold nobody else up. A server that stays silent for longer than
 * BLOCK and the command timeout is taken for dead: the read fails then, and never looks like one that found nothing.
 *
 * In a Cluster it is one connection to the master that has the stream now, and is not made again: should the stream move, or its
 * master go, the read fails, and the reader starts over from where its group stands on the new master. That may be behind what
 * was read from the old one, since replicas follow asynchronously.
 *
 * @param redis the role's client, which knows where the stream is. Throws a RetriableError when nobody serves it.
 */
export function connectBlocking(
  redis: RedisClient,
  config: RedisConfig,
  logger: Logger,
  stream: string,
): Redis {
  const options = { ...optionsOf(config), socketTimeout: config.command_timeout + BLOCK_MS_MAX };
  if (redis instanceof Redis) {
    const client = new Redis(urlOf(config), { ...options, retryStrategy: reconnectMs });
    logOutages(client, logger);
    return client;
  }
  const master = masterOf(redis, stream);
  if (master === undefined) throw new RetriableError(`no master of the Cluster serves ${stream}`);
  const client = new Redis({ ...options, ...master, retryStrategy: () => null });
  // Whoever reads is told, and the role's client logs outages.
  client.on('error', () => undefined);
  return client;
}

/**
 * What to subscribe with, since a connection that listens can do nothing else: one of its own, or in a Cluster, where every node hears
 * what is published at any, the role's client, which keeps one for it and moves it when its node goes.
 */
export function connectSubscriber(
  redis: RedisClient,
  config: RedisConfig,
  logger: Logger,
): { subscriber: RedisClient; disconnect: () => void } {
  if (redis instanceof Cluster) return { subscriber: redis, disconnect: () => undefined };
  const subscriber = connectRedis(config, logger);
  return { subscriber, disconnect: () => subscriber.disconnect() };
}

function optionsOf({ username, password }: RedisConfig): NodeOptions {
  return {
    protocol: 2,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    enableOfflineQueue: false,
    connectTimeout: CONNECT_TIMEOUT_MS,
    disableClientInfo: true,
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
  };
}

function urlOf(config: RedisConfig): string {
  return config.url.replace(/^valkey:/, 'redis:');
}

function reconnectMs(attempt: number): number {
  return Math.min(50 * 2 ** Math.min(attempt, 10), RECONNECT_DELAY_MS_MAX);
}

function logOutages(client: RedisClient, logger: Logger): void {
  let down = false;
  client.on('error', (error: Error) => {
    // One line per outage, not one per attempt.
    if (!down) logger.warn({ error: error.message }, 'redis connection failed; trying again');
    down = true;
  });
  client.on('ready', () => {
    if (down) logger.info('redis connection is back');
    down = false;
  });
}

/** The servers that take writes: one, or every master of a Cluster; a RetriableError is thrown while one of them is away. */
export function mastersOf(client: RedisClient): Redis[] {
  return client instanceof Cluster ? mastersOfCluster(client) : [client];
}

/**
 * Resolves once commands can be sent. Throws a RetriableError when that takes longer than `timeoutMs` or the client has ended, a FatalError
 * when we are not let in. In a Cluster, nodes that are down keep nobody waiting: commands that need them fail.
 */
export async function untilReady(client: RedisClient, timeoutMs: number): Promise<void> {
  await untilStatusReady(client, timeoutMs);
  if (client instanceof Cluster) await untilNodesSettled(client);
}

async function untilStatusReady(client: RedisClient, timeoutMs: number): Promise<void> {
  if (client.status === 'ready') return;
  const ofCluster = client instanceof Cluster;
  const failure = ofCluster ? 'node error' : 'error';
  await new Promise<void>((resolve, reject) => {
    let last: unknown;
    const settle = (error?: unknown) => {
      clearTimeout(timer);
      client.off('ready', onReady);
      client.off('end', onEnd);
      client.off(failure, onFailure);
      if (error === undefined) resolve();
      else reject(error);
    };
    const fail = (what: string) => {
      const meaning = meaningOf(last);
      settle(meaning instanceof FatalError ? meaning : new RetriableError(what, { cause: last }));
    };
    const onReady = () => settle();
    const onEnd = () => fail('Redis cannot be reached');
    const onFailure = (error: Error) => {
      last = error;
      // One node of a Cluster that does not let us in may be no more than a replica.
      if (!ofCluster && meaningOf(error) instanceof FatalError) onEnd();
    };
    const timer = setTimeout(() => fail(`Redis did not answer within ${timeoutMs} ms`), timeoutMs);
    client.on('ready', onReady);
    client.on('end', onEnd);
    client.on(failure, onFailure);
    if (client.status === 'end') onEnd();
  });
}
