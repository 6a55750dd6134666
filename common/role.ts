import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { startAdminServer } from './admin-server.ts';
import type { Clock } from './clock.ts';
import { describeError, FatalError } from './errors.ts';
import { createHealth } from './health.ts';
import type { Health } from './health.ts';
import { httpUrl } from './http-url.ts';
import type { Lifecycle } from './lifecycle.ts';
import type { Logger } from './logger.ts';
import { createRegistry } from './metrics.ts';
import type { Registry } from './metrics.ts';
import { connectRedis, untilReady } from './redis/connection.ts';
import type { RedisClient, RedisConfig } from './redis/connection.ts';
import { joinDeployment } from './redis/deployment.ts';
import { ensureGroups } from './redis/groups.ts';
import type { SinkStreams } from './redis/groups.ts';
import { createKeys } from './redis/keys.ts';
import type { Keys } from './redis/keys.ts';
import { mayWork } from './redis/partition-change.ts';
import { meaningOf } from './redis/redis-error.ts';
import { retry } from './retry.ts';

/** What every role needs of the config. */
export interface SharedConfig {
  partitions: number;
  redis: RedisConfig;
  /** The sinks that are to get everything: their groups are made before anything could be trimmed. */
  groups: readonly SinkStreams[];
}

export interface RoleDeps {
  role: 'collector' | 'processor' | 'sinks' | 'api';
  shared: SharedConfig;
  admin: { host: string; port: number };
  /** The config key of the admin port, for the error when it is taken. */
  adminPortKey: string;
  clock: Clock;
  logger: Logger;
  lifecycle: Lifecycle;
}

/** Where a started role can be reached. */
export interface Started {
  adminUrl: string;
  /** Input's name → address, of inputs that have one. */
  addresses: Record<string, string>;
}

/** What every role has once it takes part in the deployment. */
export interface Role {
  /** `host-pid-random`: this process and no other. */
  replica: string;
  /** Where /metrics, /healthz and /readyz are. */
  adminUrl: string;
  redis: RedisClient;
  keys: Keys;
  registry: Registry;
  health: Health;
  /** Whether partitions may be held for the group now (claims.ts); while they may not, that is a trouble. */
  mayHold(group: string): Promise<boolean>;
  /** Adds something that is asked for what keeps the role from doing its job. */
  addTrouble(trouble: () => string | undefined): void;
}

const REDIS_READY_MS = 5_000;
const JOIN_RETRY = { delayMsMin: 200, delayMsMax: 2_000 };

/**
 * The start that all roles share: the admin server first, so that whoever supervises sees what the role waits for; then Redis, for
 * as long as it takes; then the checks of the deployment. Throws a FatalError when this Redis or this config will never do.
 */
export async function joinAsRole(deps: RoleDeps): Promise<Role> {
  const { role, shared, admin, clock, logger, lifecycle } = deps;
  const registry = createRegistry(role);
  const health = createHealth(clock);
  const asked: (() => string | undefined)[] = [];
  const troubles = () => asked.flatMap((trouble) => trouble() ?? []);
  const server = await startAdminServer({ ...admin, portKey: deps.adminPortKey, registry, health, troubles });
  lifecycle.onStop('admin server', () => server.stop(lifecycle.force));
  const redis = connectRedis(shared.redis, logger);
  lifecycle.onStop('redis', async () => redis.disconnect());
  // A password that was changed while we run: no waiting mends that.
  redis.on('error', (error: Error) => {
    const meaning = meaningOf(error);
    if (meaning instanceof FatalError) lifecycle.fail(meaning);
  });
  asked.push(() => (redis.status === 'ready' ? undefined : 'Redis cannot be reached'));
  const keys = createKeys(shared.redis.prefix);
  let joined = false;
  asked.push(() => (joined ? undefined : 'has not joined the deployment yet'));
  await retry(
    async () => {
      await untilReady(redis, REDIS_READY_MS);
      await joinDeployment(redis, keys, shared.partitions);
      await ensureGroups(redis, keys, shared.partitions, shared.groups, (error) =>
        logger.error({ error: describeError(error) }, 'a stream is not ours; joining without it'),
      );
    },
    {
      policy: JOIN_RETRY,
      clock,
      signal: lifecycle.stopping,
      onRetry: (error) => logger.warn({ error: describeError(error) }, 'waiting for Redis'),
    },
  );
  joined = true;
  const waiting = new Set<string>();
  asked.push(() => (waiting.size === 0 ? undefined : 'the number of partitions is being changed'));
  const replica = `${hostname()}-${process.pid}-${randomBytes(3).toString('hex')}`;
  const adminUrl = httpUrl(server.host, server.port);
  logger.info({ replica, admin: adminUrl }, `${role} has joined the deployment`);
  return {
    replica,
    adminUrl,
    redis,
    keys,
    registry,
    health,
    mayHold: async (group) => {
      const may = await mayWork(redis, keys, shared.partitions, group);
      if (may) waiting.delete(group);
      else waiting.add(group);
      return may;
    },
    addTrouble: (trouble) => {
      asked.push(trouble);
    },
  };
}
