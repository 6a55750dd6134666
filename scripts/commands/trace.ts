import { describeError, FatalError, RetriableError } from '../../common/errors.ts';
import { silentLogger } from '../../common/logger.ts';
import { connectRedis, untilReady } from '../../common/redis/connection.ts';
import { trueOf } from '../../common/summary.ts';
import type { Summary } from '../../common/summary.ts';
import { clickHouseClient } from '../clickhouse-client.ts';
import { fromClickHouse, fromRedis } from '../transaction-lookup.ts';
import { loadTranweaveConfig } from '../tranweave-config.ts';
import type { TranweaveConfig } from '../tranweave-config.ts';
import { formatTrace } from './trace-format.ts';

export interface TraceOptions {
  config: string;
  zone: string;
  json?: true;
}

const REDIS_MS_MAX = 3_000;

/** Prints one transaction. Throws a FatalError when nobody knows it, saying who was asked. */
export async function trace(id: string, options: TraceOptions): Promise<void> {
  const config = loadTranweaveConfig(options.config);
  const summary = await find(config, id);
  const text = options.json ? JSON.stringify(summary, null, 2) : formatTrace(summary, options.zone);
  process.stdout.write(`${text}\n`);
}

/** Both are asked: what Redis had forgotten and began anew for a late log is not what became of the transaction (docs/decisions/008). */
async function find(config: TranweaveConfig, id: string): Promise<Summary> {
  const asked: string[] = [];
  const remembered = await askRedis(config, id, asked);
  const found = trueOf(remembered, await askClickHouse(config, id, asked));
  if (found !== undefined) return found;
  throw new FatalError(`transaction ${id} was not found: ${asked.join('; ')}`);
}

/** @param asked gets why there is no answer. */
async function askRedis(config: TranweaveConfig, id: string, asked: string[]): Promise<Summary | undefined> {
  const redis = connectRedis(config.redis, silentLogger());
  try {
    await untilReady(redis, REDIS_MS_MAX);
    const found = await fromRedis(redis, config, id);
    if (found === undefined) asked.push('Redis does not remember it');
    return found;
  } catch (error) {
    if (!(error instanceof RetriableError)) throw error;
    asked.push(describeError(error));
    return undefined;
  } finally {
    redis.disconnect();
  }
}

/** @param asked gets why there is no answer. */
async function askClickHouse(
  config: TranweaveConfig,
  id: string,
  asked: string[],
): Promise<Summary | undefined> {
  const client = clickHouseClient(config);
  if (client === undefined) return undefined;
  try {
    const found = await fromClickHouse(client, id);
    if (found === undefined) asked.push('ClickHouse has none of that id');
    return found;
  } catch (error) {
    asked.push(`ClickHouse did not answer (${describeError(error)})`);
    return undefined;
  } finally {
    await client.close();
  }
}
