import { setFlagsFromString } from 'node:v8';
import { systemClock } from '../../common/clock.ts';
import { runLifecycle } from '../../common/lifecycle.ts';
import type { Lifecycle } from '../../common/lifecycle.ts';
import { createLogger } from '../../common/logger.ts';
import type { Logger } from '../../common/logger.ts';
import type { SharedConfig, Started } from '../../common/role.ts';
import { alertsSink } from '../../sinks/alerting/sink.ts';
import type { RedisSink } from '../../sinks/redis-sink.ts';
import { insightsSink } from '../../sinks/insights/sink.ts';
import { streamsOf } from '../../sinks/registry.ts';
import { v8FlagsOf } from '../node-flags.ts';
import { leaveParent, tellParent } from '../parent.ts';
import { collectStartUpGarbage } from '../start-up-garbage.ts';
import { historyOf } from '../summary-history.ts';
import { loadTranweaveConfig } from '../tranweave-config.ts';
import type { TranweaveConfig } from '../tranweave-config.ts';

export type RoleName = 'collector' | 'processor' | 'sinks' | 'api';

/** Runs one role until the process is told to stop. */
export async function runRole(role: RoleName, configFile: string): Promise<void> {
  const config = loadTranweaveConfig(configFile);
  const logger = createLogger(role, config.log_level);
  for (const flag of v8FlagsOf(role)) setFlagsFromString(flag);
  await runLifecycle(
    async (lifecycle) => {
      const started = await startRole(role, config, logger, lifecycle);
      collectStartUpGarbage();
      tellParent({ ready: started });
    },
    { logger },
  );
  leaveParent();
}

/** Loads the code of that role alone. */
async function startRole(
  role: RoleName,
  config: TranweaveConfig,
  logger: Logger,
  lifecycle: Lifecycle,
): Promise<Started> {
  const base = {
    shared: sharedOf(config),
    claims: config.claims,
    clock: systemClock,
    logger,
    lifecycle,
  };
  if (role === 'collector') {
    const { startCollector } = await import('../../collector/main.ts');
    return startCollector({ ...base, config: config.collector, inputs: config.inputs });
  }
  if (role === 'processor') {
    const { startProcessor } = await import('../../processor/main.ts');
    const history = historyOf(config);
    return startProcessor({
      ...base,
      config: config.processor,
      flows: config,
      ...(history === undefined ? {} : { history }),
    });
  }
  if (role === 'api') {
    const { startConfiguredApi } = await import('../configured-api.ts');
    return startConfiguredApi(base, config);
  }
  const { startSinks } = await import('../../sinks/main.ts');
  return startSinks({
    ...base,
    config: config.sinks_process,
    sinks: config.sinks,
    redisSinks: redisSinksOf(config),
  });
}

/** The sinks that live on Redis itself, as sections of the config ask for them. */
export function redisSinksOf(config: TranweaveConfig): RedisSink[] {
  const { insights, sinks } = config;
  const store = sinks.find((sink) => sink.type === 'clickhouse');
  return [
    ...alertsSink(config.alerts, config),
    ...(insights.length === 0 ? [] : [insightsSink(insights, store)]),
  ];
}

/** What every role needs: the deployment, and the groups that must have everything before it is trimmed. */
export function sharedOf(config: TranweaveConfig): SharedConfig {
  return {
    partitions: config.partitions,
    redis: config.redis,
    groups: [
      ...config.sinks.map((sink) => ({ name: sink.name, streams: streamsOf(sink) })),
      ...redisSinksOf(config).map(({ name, streams }) => ({ name, streams })),
    ],
  };
}
