import type { FlowsConfig } from '../../common/flow.ts';
import { createFlowFinder } from '../../common/flow.ts';
import { sinkGroup } from '../../common/redis/groups.ts';
import type { LazilyLoaded } from '../lazy-sink.ts';
import type { RedisSinkDeps } from '../redis-sink.ts';
import { createBucketStore } from './bucket-store.ts';
import { createChannel } from './channels/registry.ts';
import { ALERTS_SINK } from './config.ts';
import type { AlertsConfig } from './config.ts';
import { slowBounds } from './count-batch.ts';
import { createCounting } from './counting.ts';
import { lookBackMs } from './engine.ts';
import { evaluateAlerts } from './evaluator.ts';
import { createAlertMetrics } from './metrics.ts';
import { createSilenceStore } from './silences.ts';
import { createAlertStore } from './store.ts';
import { textSettings } from './text.ts';

/** Beyond what rules look back: so long a partition may be behind, and evaluation wait for it, without anything being lost. Dropped sooner as a rule. */
const BUCKETS_KEPT_MS = 6 * 3_600_000;

/** Counts what comes (counting.ts) in every process, and tells people in one (evaluator.ts). */
export function createAlerts(config: AlertsConfig, flows: FlowsConfig, deps: RedisSinkDeps): LazilyLoaded {
  const { redis, keys, clock, logger, partitions } = deps;
  const text = textSettings(config);
  const channels = config.channels.map((one) => ({
    config: one,
    channel: createChannel(one, { clock, logger, redis, text }),
  }));
  const count = createCounting({
    redis,
    keys,
    keptMs: lookBackMs(config) + BUCKETS_KEPT_MS,
    settings: {
      bucketMs: config.resolution,
      findFlow: createFlowFinder(flows),
      slow: slowBounds(config.rules),
    },
  });
  const evaluator = {
    config,
    channels,
    buckets: createBucketStore(redis, keys, config.resolution),
    silences: createSilenceStore(redis, keys),
    store: createAlertStore(redis, keys, config.resolution),
    group: sinkGroup(ALERTS_SINK),
    partitions,
    clock,
    logger,
    metrics: createAlertMetrics(deps.registry),
    troubles: new Map<string, string>(),
  };
  deps.addTrouble(() => {
    const words = [...evaluator.troubles.values()].join('; ');
    return words === '' ? undefined : words;
  });
  let alone: Promise<void> = Promise.resolve();
  return {
    open: async () => {
      alone = deps.runAlone(ALERTS_SINK, (claim, onTurn) => evaluateAlerts(evaluator, claim, onTurn));
    },
    write: async (batch) => ({ refused: await count(batch) }),
    close: async () => {
      await alone;
      await Promise.all(channels.map(({ channel }) => channel.close()));
    },
  };
}
