import { hostname } from 'node:os';
import type { Clock } from '../common/clock.ts';
import { FatalError } from '../common/errors.ts';
import type { Lifecycle } from '../common/lifecycle.ts';
import type { Logger } from '../common/logger.ts';
import { PROCESSOR_GROUP } from '../common/redis/groups.ts';
import { joinAsRole } from '../common/role.ts';
import type { SharedConfig, Started } from '../common/role.ts';
import { createAppender } from './append.ts';
import type { CollectorConfig } from './config.ts';
import { compileCondition } from './condition.ts';
import { createCharset } from './charset.ts';
import { createDecoder } from './decoders/registry.ts';
import { createInput } from './inputs/registry.ts';
import type { InputConfig } from './inputs/registry.ts';
import { createMapping, mapByName } from './mapping.ts';
import { createMasking, NO_MASKING } from './masking/masking.ts';
import { createMemoryMark } from './memory-mark.ts';
import { createCollectorMetrics } from './metrics.ts';
import type { RecordPipeline } from './outcome.ts';
import { watchPartitions } from './partition-watch.ts';
import { createPipeline } from './pipeline.ts';

export interface CollectorRole {
  shared: SharedConfig;
  config: CollectorConfig;
  inputs: readonly InputConfig[];
  clock: Clock;
  logger: Logger;
  lifecycle: Lifecycle;
}

/** Starts a collector: joins the deployment, then starts every input on its own pipeline and the one appender. */
export async function startCollector(deps: CollectorRole): Promise<Started> {
  const { shared, config, clock, logger, lifecycle } = deps;
  if (deps.inputs.length === 0)
    throw new FatalError('the config has no `inputs`, so there is nothing to collect');
  const role = await joinAsRole({
    ...deps,
    role: 'collector',
    admin: config.admin,
    adminPortKey: 'collector.admin.port',
  });
  const { redis, keys, health } = role;
  const memory = createMemoryMark({ redis, percentMax: config.redis_memory_percent_max, clock, logger });
  const watching = Promise.all([
    memory.watch(lifecycle.stopping),
    watchPartitions(() => role.mayHold(PROCESSOR_GROUP), clock, lifecycle.stopping),
  ]).catch((error: unknown) => lifecycle.fail(error));
  lifecycle.onStop('memory mark and partitions', async () => watching.then(() => undefined));
  role.addTrouble(() => memory.reached());
  const appender = createAppender({
    redis,
    keys,
    partitions: shared.partitions,
    streamEntriesMax: config.stream_entries_max,
    memoryReached: () => memory.reached(),
    pendingBytesMax: config.pending_bytes_max,
  });
  const metrics = createCollectorMetrics(role.registry);
  const addresses: Record<string, string> = {};
  for (const [index, inputConfig] of deps.inputs.entries()) {
    const { name } = inputConfig;
    const input = createInput(inputConfig, {
      name,
      configKey: `inputs[${index}]`,
      node: config.node ?? hostname(),
      pipeline: pipelineOf(inputConfig, clock, shared.partitions),
      appender,
      partitions: shared.partitions,
      redis,
      keys,
      clock,
      logger: logger.child({ input: name }),
      metrics,
      health,
      force: lifecycle.force,
      fail: (error) => lifecycle.fail(error),
    });
    lifecycle.onStop(`input ${name}`, () => input.stop());
    role.addTrouble(() => input.trouble());
    await input.start();
    const address = input.address?.();
    if (address !== undefined) addresses[name] = address;
    logger.info({ input: name, type: inputConfig.type, address }, 'input started');
  }
  return { adminUrl: role.adminUrl, addresses };
}

/** The way of an input's records, as its config says. @param partitions how many they are for. */
export function pipelineOf(config: InputConfig, clock: Clock, partitions = 1): RecordPipeline {
  const decoder = config.decoder ?? { type: 'json' };
  const charset = createCharset(config.encoding, config.on_bad_bytes);
  const isJson = decoder.type === 'json' || decoder.type === 'ndjson';
  return createPipeline({
    input: config.name,
    channel: config.type,
    decoder: createDecoder(decoder, charset),
    standardLines:
      isJson &&
      charset.isUtf8 &&
      [config.mapping, config.skip, config.masking].every((part) => part === undefined),
    mapping: config.mapping === undefined ? mapByName : createMapping(config.mapping),
    skips: config.skip === undefined ? undefined : compileCondition(config.skip),
    masking:
      config.masking === undefined
        ? NO_MASKING
        : createMasking(config.masking, charset, decoder.type === 'ibm-ace'),
    partitions,
    clock,
  });
}
