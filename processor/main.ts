import type { Clock } from '../common/clock.ts';
import { createFlowFinder } from '../common/flow.ts';
import type { FlowsConfig } from '../common/flow.ts';
import type { Lifecycle } from '../common/lifecycle.ts';
import type { Logger } from '../common/logger.ts';
import type { ClaimsConfig } from '../common/redis/claims-config.ts';
import { createClaimNews } from '../common/redis/claim-news.ts';
import { createStoppedPartitions } from '../common/redis/claim-trouble.ts';
import { createClaims } from '../common/redis/claims.ts';
import type { Claims } from '../common/redis/claims.ts';
import { joinDeployment } from '../common/redis/deployment.ts';
import { PROCESSOR_GROUP } from '../common/redis/groups.ts';
import { joinAsRole } from '../common/role.ts';
import type { Role, SharedConfig, Started } from '../common/role.ts';
import type { ProcessorConfig } from './config.ts';
import { createOneByOne } from '../common/one-by-one.ts';
import { busyShare, createGathering } from './gathering.ts';
import { createHistoryKeeper } from './summary-history.ts';
import type { SummaryHistoryConfig } from './summary-history.ts';
import { createProcessorMetrics } from './metrics.ts';
import type { ProcessorMetrics } from './metrics.ts';
import { workOnPartition } from './partition-worker.ts';
import { trimHeld } from './trim-held.ts';
import type { TrimDeps } from './trim-held.ts';

export interface ProcessorRole {
  shared: SharedConfig;
  config: ProcessorConfig;
  claims: ClaimsConfig;
  flows: FlowsConfig;
  /** What of the summary streams stays for the API's streams; nothing if not given. */
  history?: SummaryHistoryConfig;
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
  const metrics = createProcessorMetrics(role.registry);
  const claims = claimsOf(deps, role, metrics);
  const stop = new AbortController();
  const trim: TrimDeps = {
    ...role,
    held: () => claims.held(),
    sinks: deps.shared.groups,
    history: createHistoryKeeper({ redis: role.redis, history: deps.history, logger }),
    intervalMs: config.trim_interval,
    clock,
    logger,
    metrics,
  };
  const trimming = trimHeld(trim, stop.signal).catch((error: unknown) => lifecycle.fail(error));
  const running = Promise.all([claims.run(stop.signal), trimming]);
  lifecycle.onStop('claims', async () => {
    stop.abort();
    await running;
  });
  return { adminUrl: role.adminUrl, addresses: {} };
}

function claimsOf(deps: ProcessorRole, role: Role, metrics: ProcessorMetrics): Claims {
  const { shared, config, clock, logger, lifecycle } = deps;
  const { redis, keys } = role;
  const stopped = createStoppedPartitions((count) => metrics.stopped.set(count));
  role.addTrouble(() => stopped.words());
  const news = createClaimNews({ redis, redisConfig: shared.redis, keys, logger });
  lifecycle.onStop('claim news', async () => news.stop());
  const worker = {
    redis,
    redisConfig: shared.redis,
    keys,
    config,
    findFlow: createFlowFinder(deps.flows),
    gathering: createGathering(config.merge_delay, busyShare(clock)),
    oneByOne: createOneByOne(),
    clock,
    logger,
    metrics,
  };
  return createClaims({
    redis,
    keys,
    group: PROCESSOR_GROUP,
    replica: role.replica,
    partitions: shared.partitions,
    news,
    mayHold: () => role.mayHold(PROCESSOR_GROUP),
    ttlMs: deps.claims.ttl,
    heartbeatMs: deps.claims.heartbeat,
    clock,
    logger,
    onFailure: (error) => lifecycle.fail(error),
    onTrouble: stopped.set,
    work: async (claim, onTurn) => {
      const part = role.health.part(`partition ${claim.partition}`, STALL_MS);
      part.begin();
      const onProgress = () => {
        part.progress();
        onTurn();
      };
      try {
        // Again with every claim: Redis may have been flushed or replaced since.
        await joinDeployment(redis, keys, shared.partitions);
        await workOnPartition({ ...worker, onProgress }, claim);
      } finally {
        part.remove();
      }
    },
  });
}
