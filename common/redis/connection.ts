import { Cluster, Redis } from 'ioredis';
import * as v from 'valibot';
import { duration } from '../config-values.ts';
import { FatalError, RetriableError } from '../errors.ts';
import type { Logger } from '../logger.ts';
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
    duration('How long a command may take before it counts as failed and is tried again.'),
    '5s',
  ),
});
export type RedisConfig = v.InferOutput<typeof redisConfigSchema>;

export type RedisClient = Redis | Cluster;

/** Longest wait between two attempts to connect. */
const RECONNECT_DELAY_MS_MAX = 2_000;
const CONNECT_TIMEOUT_MS = 5_000;

/**
 * A connection that is made in the background. Commands fail at once while it is down instead of piling up in memory: whoever sent
 * them waits and repeats (retry.ts). Nothing is resent on its own after a lost connection, since only the sender knows
 * whether a repetition is harmless.
 */
export function connectRedis(config: RedisConfig, logger: Logger): RedisClient {
  return connect(config, logger, { commandTimeout: config.command_timeout });
}

/**
 * A connection of its own for blocking reads, so that they hold nobody else up. Its commands may take as long as their BLOCK says; a
 * server that stays silent for longer than that and the command timeout is taken for dead.
 */
export function connectBlocking(config: RedisConfig, logger: Logger): RedisClient {
  return connect(config, logger, {
    blockingTimeout: config.command_timeout,
    blockingTimeoutGrace: config.command_timeout,
  });
}

function connect(
  config: RedisConfig,
  logger: Logger,
  timeouts: { commandTimeout?: number; blockingTimeout?: number; blockingTimeoutGrace?: number },
): RedisClient {
  const retryStrategy = (attempt: number) =>
    Math.min(50 * 2 ** Math.min(attempt, 10), RECONNECT_DELAY_MS_MAX);
  const options = {
    protocol: 2 as const,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    enableOfflineQueue: false,
    connectTimeout: CONNECT_TIMEOUT_MS,
    disableClientInfo: true,
    ...timeouts,
    ...(config.username === undefined ? {} : { username: config.username }),
    ...(config.password === undefined ? {} : { password: config.password }),
  };
  const client =
    config.cluster.length === 0
      ? new Redis(config.url.replace(/^valkey:/, 'redis:'), { ...options, retryStrategy })
      : new Cluster(config.cluster.map(nodeOf), {
          redisOptions: options,
          clusterRetryStrategy: retryStrategy,
          enableOfflineQueue: false,
          maxRedirections: 16,
          slotsRefreshTimeout: config.command_timeout,
        });
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
  return client;
}

/** The servers that take writes: one, or every master of a Cluster. */
export function mastersOf(client: RedisClient): Redis[] {
  return client instanceof Cluster ? client.nodes('master') : [client];
}

function nodeOf(text: string): { host: string; port: number } {
  const at = text.lastIndexOf(':');
  return { host: text.slice(0, at), port: Number(text.slice(at + 1)) };
}

/** Resolves once commands can be sent. Throws a RetriableError when that takes longer than `timeoutMs`, a FatalError when we are not let in. */
export async function untilReady(client: RedisClient, timeoutMs: number): Promise<void> {
  if (client.status === 'ready') return;
  await new Promise<void>((resolve, reject) => {
    const settle = (error?: Error) => {
      clearTimeout(timer);
      client.off('ready', onReady);
      client.off('error', onError);
      if (error === undefined) resolve();
      else reject(error);
    };
    let last: Error | undefined;
    const onReady = () => settle();
    const onError = (error: Error) => {
      last = error;
      const meaning = meaningOf(error);
      if (meaning instanceof FatalError) settle(meaning);
    };
    const timer = setTimeout(
      () => settle(new RetriableError(`Redis did not answer within ${timeoutMs} ms`, { cause: last })),
      timeoutMs,
    );
    client.on('ready', onReady);
    client.on('error', onError);
  });
}
