import { FatalError } from '../../common/errors.ts';
import { silentLogger } from '../../common/logger.ts';
import { connectRedis, untilReady } from '../../common/redis/connection.ts';
import { createKeys } from '../../common/redis/keys.ts';
import { readDeployment } from '../../common/redis/partition-change.ts';
import { definitionOf } from '../../sinks/insights/definition.ts';
import { readInsight } from '../../sinks/insights/look.ts';
import type { InsightLook, LookDeps } from '../../sinks/insights/look.ts';
import { listInsights, showInsight } from '../insights/format.ts';
import { loadTranweaveConfig } from '../tranweave-config.ts';

export interface InsightsOptions {
  config: string;
  json?: true;
}

export interface ShowInsightOptions extends InsightsOptions {
  /** How many of the newest windows. */
  windows: number;
  /** How many rows of each. */
  limit: number;
}

const REDIS_MS_MAX = 5_000;

/** Prints every insight of the config: since when it is counted, how many windows are open and final, and what was not counted. */
export async function list(options: InsightsOptions): Promise<void> {
  const looks = await look(options, undefined, 0);
  print(options, looks, listInsights(looks));
}

/** Prints the newest windows of one insight with their rows. */
export async function show(name: string, options: ShowInsightOptions): Promise<void> {
  const looks = await look(options, name, options.windows);
  print(options, looks, looks.map((one) => showInsight(one, options.limit)).join('\n'));
}

function print({ json }: InsightsOptions, looks: readonly InsightLook[], text: string): void {
  process.stdout.write(`${json ? JSON.stringify(looks, null, 2) : text}\n`);
}

async function look(
  options: InsightsOptions,
  name: string | undefined,
  windows: number,
): Promise<InsightLook[]> {
  const config = loadTranweaveConfig(options.config);
  const known = config.insights.map((insight) => insight.name);
  if (known.length === 0) throw new FatalError('the config has no `insights`');
  if (name !== undefined && !known.includes(name))
    throw new FatalError(`the config has no insight ${name}; it has ${known.join(', ')}`);
  const redis = connectRedis(config.redis, silentLogger());
  try {
    await untilReady(redis, REDIS_MS_MAX);
    const keys = createKeys(config.redis.prefix);
    const { partitions = config.partitions } = await readDeployment(redis, keys);
    const deps: LookDeps = { redis, keys, partitions };
    const asked = config.insights.filter((insight) => name === undefined || insight.name === name);
    return await Promise.all(asked.map((insight) => readInsight(deps, definitionOf(insight), windows)));
  } finally {
    redis.disconnect();
  }
}
