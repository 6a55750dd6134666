import { systemClock } from '../../common/clock.ts';
import { describeError, FatalError, RetriableError } from '../../common/errors.ts';
import { silentLogger } from '../../common/logger.ts';
import { connectRedis, untilReady } from '../../common/redis/connection.ts';
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

async function find(config: TranweaveConfig, id: string): Promise<Summary> {
  const asked: string[] = [];
  const redis = connectRedis(config.redis, silentLogger());
  try {
    await untilReady(redis, REDIS_MS_MAX);
    const found = await fromRedis(redis, config, id, systemClock.now());
    if (found !== undefined) return found;
    asked.push('Redis does not remember it');
  } catch (error) {
    if (!(error instanceof RetriableError)) throw error;
    asked.push(describeError(error));
  } finally {
    redis.disconnect();
  }
  const client = clickHouseClient(config);
  if (client !== undefined) {
    try {
      const found = await fromClickHouse(client, id);
      if (found !== undefined) return found;
      asked.push('ClickHouse has none of that id');
    } catch (error) {
      asked.push(`ClickHouse did not answer (${describeError(error)})`);
    } finally {
      await client.close();
    }
  }
  throw new FatalError(`transaction ${id} was not found: ${asked.join('; ')}`);
}
