import type { Clock } from '../common/clock.ts';
import { createFlowFinder } from '../common/flow.ts';
import type { FlowsConfig } from '../common/flow.ts';
import type { Lifecycle } from '../common/lifecycle.ts';
import type { Logger } from '../common/logger.ts';
import type { ClaimsConfig } from '../common/redis/claims-config.ts';
import { createClaimNews } from '../common/redis/claim-news.ts';
import { createClaims } from '../common/redis/claims.ts';
import { PROCESSOR_GROUP } from '../common/redis/groups.ts';
import { joinAsRole } from '../common/role.ts';
import type { SharedConfig, Started } from '../common/role.ts';
import type { ProcessorConfig } from './config.ts';
import { createProcessorMetrics } from './metrics.ts';
import { workOnPartition } from './partition-worker.ts';
import { trimHeld } from './trim-held.ts';

export interface ProcessorRole {
  shared: SharedConfig;
  config: ProcessorConfig;
  claims: ClaimsConfig;
  flows: FlowsConfig;
  clock: Clock;
  logger: Logger;
  lifecycle: Lifecycle;
}

/** A partition whose loop has not come round for this long is stuck: a turn is a read of half a second, a merge and a commit. */
const STALL_MS = 60_000;

/** Starts a processor: joins the deployment, then claims partitions and merges what arrives in them, and trims what everybody has. */
export async function startProcessor(deps: ProcessorRole): Promise<Started> {
  const { config, clock, logger, lifecycle } = deps;
  const role = await joinAsRole({
    ...deps,
    role: 'processor',
    admin: config.admin,
    adminPortKey: 'processor.admin.port',
  });
  const { redis, keys } = role;
  const metrics = createProcessorMetrics(role.registry);
  const findFlow = createFlowFinder(deps.flows);
  const news = createClaimNews({ redis, redisConfig: deps.shared.redis, keys, logger });
  lifecycle.onStop('claim news', async () => news.stop());
  const claims = createClaims({
    redis,
    keys,
    group: PROCESSOR_GROUP,
    replica: role.replica,
    partitions: deps.shared.partitions,
    news,
    mayHold: () => role.mayHold(PROCESSOR_GROUP),
    ttlMs: deps.claims.ttl,
    heartbeatMs: deps.claims.heartbeat,
    clock,
    logger,
    onFailure: (error) => lifecycle.fail(error),
    work: async (claim) => {
      const part = role.health.part(`partition ${claim.partition}`, STALL_MS);
      part.begin();
      try {
        await workOnPartition(
          {
            redis,
            redisConfig: deps.shared.redis,
            keys,
            config,
            findFlow,
            clock,
            logger,
            metrics,
            onProgress: () => part.progress(),
          },
          claim,
        );
      } finally {
        part.remove();
      }
    },
  });
  const stop = new AbortController();
  const trimming = trimHeld(
    { redis, keys, held: () => claims.held(), intervalMs: config.trim_interval, clock, logger, metrics },
    stop.signal,
  ).catch((error: unknown) => lifecycle.fail(error));
  const running = Promise.all([claims.run(stop.signal), trimming]);
  lifecycle.onStop('claims', async () => {
    stop.abort();
    await running;
  });
  return { adminUrl: role.adminUrl, addresses: {} };
}
