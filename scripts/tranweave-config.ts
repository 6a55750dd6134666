import { dirname, resolve } from 'node:path';
import * as v from 'valibot';
import { apiConfigSchema } from '../api/config.ts';
import { collectorConfigSchema } from '../collector/config.ts';
import { mappingsFit } from '../collector/mapping-mistakes.ts';
import { withAbsolutePaths } from '../collector/inputs/ibm-mq/connection.ts';
import { inputSchema } from '../collector/inputs/registry.ts';
import type { InputConfig } from '../collector/inputs/registry.ts';
import { loadConfig } from '../common/config.ts';
import { duration, pathTo, unique, wholeNumber } from '../common/config-values.ts';
import { flowsEntries } from '../common/flow.ts';
import { PARTITIONS_MAX } from '../common/partition.ts';
import { claimsConfigSchema } from '../common/redis/claims-config.ts';
import { redisConfigSchema } from '../common/redis/connection.ts';
import { processorConfigSchema } from '../processor/config.ts';
import { ALERTS_SINK, alertsSchema } from '../sinks/alerting/config.ts';
import { sinksProcessConfigSchema } from '../sinks/config.ts';
import { insightsSchema } from '../sinks/insights/config.ts';
import { INSIGHTS } from '../sinks/insights/sink.ts';
import { sinkSchema } from '../sinks/registry.ts';
import { portsApart } from './config-ports.ts';

/** The whole config, put together from what each part says of itself. docs/configuration.md is made from it. */

const upSchema = v.strictObject({
  data_dir: v.optional(
    v.pipe(
      v.string('must be a text'),
      v.nonEmpty('must not be empty'),
      v.description('Folder of Redis, ClickHouse and log files; relative to the config file.'),
    ),
    './data',
  ),
  redis: v.optional(
    v.pipe(
      v.boolean('must be true or false'),
      v.description('Whether to run a private redis-server, at the port that `redis.url` names.'),
    ),
    true,
  ),
  clickhouse: v.optional(
    v.pipe(
      v.boolean('must be true or false'),
      v.description('Whether to run the embedded ClickHouse, at the port that the ClickHouse sink names.'),
    ),
    true,
  ),
  clickhouse_host: v.exactOptional(
    v.pipe(
      v.string('must be a text'),
      v.nonEmpty('must not be empty'),
      v.description(
        'Another address that the embedded ClickHouse listens on, at the same port, for whoever asks from other machines: one of this machine, ' +
          'or 0.0.0.0 or :: for all. They may only read, and the ClickHouse sink must have a `password`, which is then asked of everybody. ' +
          'Only 127.0.0.1 if not given.',
      ),
    ),
  ),
  processors: v.optional(wholeNumber(1, 32, 'Processor replicas that are started.'), 2),
  sinks: v.optional(wholeNumber(1, 32, 'Sinks processes that are started.'), 1),
  status_interval: v.optional(duration('How often the status line is brought up to date.'), '1s'),
});

/** Sinks of sections of their own are read for under these names. */
const notReserved = <T extends { name: string }>() =>
  v.rawCheck<T[]>(({ dataset, addIssue }) => {
    if (!dataset.typed) return;
    dataset.value.forEach(({ name }, at) => {
      if (name === ALERTS_SINK || name === INSIGHTS)
        addIssue({ message: 'is reserved; choose another', path: pathTo(dataset.value, at, 'name') });
    });
  });

export const tranweaveConfigSchema = v.pipe(
  v.strictObject(
    {
      partitions: v.pipe(
        v.optional(wholeNumber(1, PARTITIONS_MAX, ''), 8),
        v.description(
          'Number of partitions: how many processors, and how many sinks processes, can share the work at most. Recorded when a deployment first starts; `tranweave partitions --to` changes it.',
        ),
      ),
      log_level: v.pipe(
        v.optional(
          v.picklist(['debug', 'info', 'warn', 'error'], 'must be one of debug, info, warn, error'),
          'info',
        ),
        v.description("How much Tranweave's own log says."),
      ),
      redis: v.pipe(v.optional(redisConfigSchema, {}), v.description('Where the streams are.')),
      collector: v.pipe(
        v.optional(collectorConfigSchema, {}),
        v.description('What all inputs of a collector share.'),
      ),
      inputs: v.pipe(
        v.optional(v.array(inputSchema, 'must be a list of inputs'), []),
        unique('name'),
        mappingsFit(),
        v.description('Where logs come from.'),
      ),
      ...flowsEntries,
      processor: v.pipe(v.optional(processorConfigSchema, {}), v.description('Settings of processors.')),
      claims: v.pipe(
        v.optional(claimsConfigSchema, {}),
        v.description('How processors and sinks share partitions.'),
      ),
      sinks: v.pipe(
        v.optional(v.array(sinkSchema, 'must be a list of sinks'), []),
        unique('name'),
        notReserved(),
        v.description('Where everything is stored.'),
      ),
      insights: v.pipe(
        v.optional(insightsSchema, []),
        v.description(
          'Numbers of the transactions as they come, by group and window of time ([insights.md](insights.md)). Counted by sinks processes.',
        ),
      ),
      sinks_process: v.pipe(
        v.optional(sinksProcessConfigSchema, {}),
        v.description('Settings of sinks processes.'),
      ),
      alerts: v.pipe(
        v.optional(alertsSchema, {}),
        v.description('What people are told of as it happens: docs/alerts.md.'),
      ),
      api: v.exactOptional(
        v.pipe(
          apiConfigSchema,
          v.description(
            'The query API (`tranweave api`, docs/api.md). Without this section there is none, and no history is kept for it.',
          ),
        ),
      ),
      up: v.pipe(
        v.optional(upSchema, {}),
        v.description('What `tranweave up` (`npm start`) runs on one machine.'),
      ),
    },
    'must be an object',
  ),
  portsApart(),
);
export type TranweaveConfig = v.InferOutput<typeof tranweaveConfigSchema>;

/** Reads and checks a config file; paths in it are made absolute, seen from the file's folder. Throws as loadConfig does. */
export function loadTranweaveConfig(file: string, env: NodeJS.ProcessEnv = process.env): TranweaveConfig {
  const config = loadConfig(file, tranweaveConfigSchema, env);
  const from = dirname(resolve(file));
  const absolute = (path: string) => resolve(from, path);
  return {
    ...config,
    inputs: config.inputs.map((input) => inputSeenFrom(input, absolute)),
    sinks: config.sinks.map((sink) => (sink.type === 'ndjson' ? { ...sink, dir: absolute(sink.dir) } : sink)),
    up: { ...config.up, data_dir: absolute(config.up.data_dir) },
  };
}

function inputSeenFrom(input: InputConfig, absolute: (path: string) => string): InputConfig {
  if (input.type === 'file')
    return { ...input, paths: input.paths.map(absolute), exclude: input.exclude.map(absolute) };
  return input.type === 'ibm-mq' ? withAbsolutePaths(input, absolute) : input;
}
