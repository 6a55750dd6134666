import type { Logger } from '../common/logger.ts';
import type { ClaimNews } from '../common/redis/claim-news.ts';
import { createClaims } from '../common/redis/claims.ts';
import type { Role } from '../common/role.ts';
import type { BatchConfig } from './config.ts';
import type { SinksRole } from './main.ts';
import type { RedisSinkDeps } from './redis-sink.ts';
import { createSink } from './registry.ts';
import type { Sink } from './sink.ts';

/** A sink that is not made yet: a store of the config's, or one that lives on Redis itself. */
export interface NamedSink {
  name: string;
  batch: BatchConfig;
  create(logger: Logger): Sink;
}

/** All sinks that a process carries to. */
export function namedSinks(deps: SinksRole, role: Role, news: ClaimNews): NamedSink[] {
  const { clock, sinks, redisSinks } = deps;
  return [
    ...sinks.map((config) => {
      const { name, batch } = config;
      return { name, batch, create: (logger: Logger) => createSink(config, { name, clock, logger }) };
    }),
    ...redisSinks.map((sink) => {
      const { name, batch } = sink;
      return {
        name,
        batch,
        create: (logger: Logger) => sink.create(redisSinkDeps(deps, role, news, name, logger)),
      };
    }),
  ];
}

function redisSinkDeps(
  { shared, claims, clock, lifecycle }: SinksRole,
  role: Role,
  news: ClaimNews,
  name: string,
  logger: Logger,
): RedisSinkDeps {
  const fail = (error: unknown) => lifecycle.fail(error);
  return {
    name,
    clock,
    logger,
    redis: role.redis,
    redisConfig: shared.redis,
    keys: role.keys,
    partitions: shared.partitions,
    registry: role.registry,
    stopping: lifecycle.stopping,
    runAlone: (group, work) =>
      createClaims({
        redis: role.redis,
        keys: role.keys,
        group,
        replica: role.replica,
        partitions: 1,
        news,
        mayHold: () => role.mayHold(group),
        ttlMs: claims.ttl,
        heartbeatMs: claims.heartbeat,
        clock,
        logger,
        onFailure: fail,
        work,
      }).run(lifecycle.stopping),
    addTrouble: (trouble) => role.addTrouble(trouble),
    fail,
  };
}
