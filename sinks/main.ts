import type { Clock } from '../common/clock.ts';
import { describeError, FatalError, FencedError } from '../common/errors.ts';
import type { Lifecycle } from '../common/lifecycle.ts';
import type { Logger } from '../common/logger.ts';
import type { ClaimsConfig } from '../common/redis/claims-config.ts';
import { createClaimNews } from '../common/redis/claim-news.ts';
import type { ClaimNews } from '../common/redis/claim-news.ts';
import { createStoppedPartitions } from '../common/redis/claim-trouble.ts';
import { createClaims } from '../common/redis/claims.ts';
import type { Claim } from '../common/redis/claims.ts';
import { joinDeployment } from '../common/redis/deployment.ts';
import { sinkGroup } from '../common/redis/groups.ts';
import { retry } from '../common/retry.ts';
import { joinAsRole } from '../common/role.ts';
import type { Role, SharedConfig, Started } from '../common/role.ts';
import type { SinksProcessConfig } from './config.ts';
import { createJoining } from './joint/joining.ts';
import { createJointRecords } from './joint/record.ts';
import { createSinkMetrics } from './metrics.ts';
import type { SinkMetrics } from './metrics.ts';
import { createPace } from './pace.ts';
import { namedSinks } from './named-sinks.ts';
import type { NamedSink } from './named-sinks.ts';
import type { RedisSink } from './redis-sink.ts';
import type { SinkConfig } from './registry.ts';
import type { Sink } from './sink.ts';
import { carryStream } from './sink-worker.ts';
import type { SinkWorkerDeps } from './sink-worker.ts';
import { createSlots } from './slots.ts';

export interface SinksRole {
  shared: SharedConfig;
  config: SinksProcessConfig;
  claims: ClaimsConfig;
  sinks: readonly SinkConfig[];
  /** Sinks that live on Redis itself, from sections of their own. */
  redisSinks: readonly RedisSink[];
  clock: Clock;
  logger: Logger;
  lifecycle: Lifecycle;
}

const OPEN_RETRY = { delayMsMin: 200, delayMsMax: 10_000 };
/** A stream's loop that has not come round for this long is stuck; a store that is away does not count, its writes have time limits. */
const STALL_MS = 120_000;

/** Starts a sinks process: joins the deployment, then carries partitions to every configured store. A store that is down delays no other. */
export async function startSinks(deps: SinksRole): Promise<Started> {
  if (deps.sinks.length + deps.redisSinks.length === 0)
    throw new FatalError('the config has no `sinks`, so there is nowhere to store');
  const role = await joinAsRole({
    ...deps,
    role: 'sinks',
    admin: deps.config.admin,
    adminPortKey: 'sinks_process.admin.port',
  });
  const metrics = createSinkMetrics(role.registry);
  const news = createClaimNews({ ...role, redisConfig: deps.shared.redis, logger: deps.logger });
  deps.lifecycle.onStop('claim news', async () => news.stop());
  for (const named of namedSinks(deps, role, news)) {
    const running = runSink(deps, role, news, metrics, named).catch((error: unknown) =>
      deps.lifecycle.fail(error),
    );
    deps.lifecycle.onStop(`sink ${named.name}`, () => running);
  }
  return { adminUrl: role.adminUrl, addresses: {} };
}

/** What all streams of a sink share. */
type WorkerOfSink = Omit<SinkWorkerDeps, 'onProgress' | 'onTurn' | 'onIdle' | 'onTrouble'>;

/** One store from opening to closing; returns once the process stops. */
async function runSink(
  { clock, lifecycle, shared, claims, logger: parent }: SinksRole,
  role: Role,
  news: ClaimNews,
  metrics: SinkMetrics,
  named: NamedSink,
): Promise<void> {
  const { name, batch } = named;
  const logger = parent.child({ sink: name });
  const sink = named.create(logger);
  const stopped = createStoppedPartitions((count) => metrics.stopped.set({ sink: name }, count));
  // By who is in trouble: the opening, or a stream of a partition.
  const troubles = new Map<string, string>([['open', 'is not open yet']]);
  role.addTrouble(() => {
    // A store that is away is the same trouble for all of them.
    const words = [...new Set(troubles.values()), stopped.words() ?? []].flat().join('; ');
    return words === '' ? undefined : `sink ${name}: ${words}`;
  });
  try {
    if (!(await open(sink, logger, clock, lifecycle.stopping, (words) => troubles.set('open', words))))
      return;
    troubles.delete('open');
    const group = sinkGroup(name);
    const { writeJoint } = sink;
    const pace = createPace(batch, { joint: writeJoint !== undefined });
    const slots = createSlots(() => pace.writes());
    const records = createJointRecords(role.redis, role.keys, group);
    const joint = { records, pace, slots, clock, logger, force: lifecycle.force };
    const worker: WorkerOfSink = {
      sink,
      name,
      group,
      redis: role.redis,
      redisConfig: shared.redis,
      keys: role.keys,
      pace,
      slots,
      joining: writeJoint === undefined ? undefined : createJoining({ ...joint, writeJoint }),
      clock,
      logger,
      metrics,
      force: lifecycle.force,
    };
    await createClaims({
      redis: role.redis,
      keys: role.keys,
      group,
      replica: role.replica,
      partitions: shared.partitions,
      news,
      mayHold: () => role.mayHold(group),
      ttlMs: claims.ttl,
      heartbeatMs: claims.heartbeat,
      clock,
      logger,
      onFailure: (error) => lifecycle.fail(error),
      onTrouble: stopped.set,
      work: async (claim, onTurn) => {
        // Again with every claim: Redis may have been flushed or replaced since.
        await joinDeployment(role.redis, role.keys, shared.partitions);
        await carryPartition(worker, role, troubles, claim, onTurn);
      },
    }).run(lifecycle.stopping);
  } finally {
    await sink.close();
  }
}

/** False if the process was stopped before the store could be opened. */
async function open(
  sink: Sink,
  logger: Logger,
  clock: Clock,
  signal: AbortSignal,
  tell: (words: string) => void,
): Promise<boolean> {
  try {
    await retry(() => sink.open(signal), {
      policy: OPEN_RETRY,
      clock,
      signal,
      onRetry: (error) => {
        tell(describeError(error));
        logger.warn({ error: describeError(error) }, 'waiting for the store');
      },
    });
    return true;
  } catch (error) {
    if (signal.aborted) return false;
    throw error;
  }
}

/** All streams of one claimed partition side by side; when one fails, the others end with it and the claim decides what is next. */
async function carryPartition(
  worker: WorkerOfSink,
  role: Role,
  troubles: Map<string, string>,
  claim: Claim,
  onTurn: () => void,
): Promise<void> {
  // What stopped the partition is over when all of them have come round again.
  const notYet = new Set(worker.sink.streams);
  const failed = new AbortController();
  const signal = AbortSignal.any([claim.signal, failed.signal]);
  const carried = worker.sink.streams.map(async (kind) => {
    const part = role.health.part(`${worker.name} ${kind} ${claim.partition}`, STALL_MS);
    part.begin();
    const name = `${kind} ${claim.partition}`;
    const onTrouble = (words: string | undefined) => {
      if (words === undefined) troubles.delete(name);
      else troubles.set(name, words);
    };
    try {
      await carryStream(
        {
          ...worker,
          onProgress: () => part.progress(),
          onTurn: () => {
            notYet.delete(kind);
            if (notYet.size === 0) onTurn();
          },
          onIdle: () => part.idle(),
          onTrouble,
        },
        { ...claim, signal },
        kind,
      );
    } catch (error) {
      failed.abort();
      throw error;
    } finally {
      part.remove();
    }
  });
  const failures = (await Promise.allSettled(carried)).filter((result) => result.status === 'rejected');
  // A lost claim outranks the failures that follow from it.
  const first = failures.find(({ reason }) => reason instanceof FencedError) ?? failures[0];
  if (first !== undefined) throw first.reason;
}
