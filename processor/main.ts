import type { Clock } from '../common/clock.ts';
import { describeError, RetriableError } from '../common/errors.ts';
import { createFlowFinder } from '../common/flow.ts';
import type { FlowsConfig } from '../common/flow.ts';
import type { Lifecycle } from '../common/lifecycle.ts';
import type { Logger } from '../common/logger.ts';
import type { ClaimsConfig } from '../common/redis/claims-config.ts';
import { createClaimNews } from '../common/redis/claim-news.ts';
import { createClaims } from '../common/redis/claims.ts';
import type { Claims } from '../common/redis/claims.ts';
import { PROCESSOR_GROUP } from '../common/redis/groups.ts';
import { trimPartition } from '../common/redis/trim.ts';
import { joinAsRole } from '../common/role.ts';
import type { Role, SharedConfig, Started } from '../common/role.ts';
import type { ProcessorConfig } from './config.ts';
import { createProcessorMetrics } from './metrics.ts';
import { workOnPartition } from './partition-worker.ts';

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
  const running = Promise.all([claims.run(stop.signal), trimHeld(deps, role, claims, stop.signal)]);
  lifecycle.onStop('claims', async () => {
    stop.abort();
    await running;
  });
  return { adminUrl: role.adminUrl, addresses: {} };
}

/** Drops what every group has of the partitions held here, every so often; whoever holds a partition is the one who does it. */
async function trimHeld(
  { clock, logger, config, lifecycle }: ProcessorRole,
  { redis, keys }: Role,
  claims: Claims,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    await clock.sleep(config.trim_interval, signal);
    try {
      for (const partition of claims.held()) await trimPartition(redis, keys, partition);
    } catch (error) {
      if (!(error instanceof RetriableError)) return lifecycle.fail(error);
      logger.warn({ error: describeError(error) }, 'streams were not trimmed this time');
    }
  }
}
