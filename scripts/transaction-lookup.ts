import type { ClickHouseClient } from '@clickhouse/client';
import { evaluate } from '../common/evaluate.ts';
import { createFlowFinder } from '../common/flow.ts';
import { partitionOf } from '../common/partition.ts';
import type { RedisClient } from '../common/redis/connection.ts';
import { createKeys } from '../common/redis/keys.ts';
import { readDeployment } from '../common/redis/partition-change.ts';
import { reply } from '../common/redis/redis-error.ts';
import { summarize } from '../common/summary.ts';
import type { Summary } from '../common/summary.ts';
import { decodeRecord } from '../processor/stored-record.ts';
import type { TranweaveConfig } from './tranweave-config.ts';

/** One transaction's summary as Redis has it, and as ClickHouse has it; which of the two is true says `trueOf` (common/summary.ts). */

/**
 * As it was last published. Whether a deadline has passed is for the processor to say, whose time runs with the stream
 * (docs/decisions/003): by the clock here, a backlog that is still to be merged would make late what came in time.
 */
export async function fromRedis(
  redis: RedisClient,
  config: Pick<TranweaveConfig, 'redis' | 'partitions' | 'flows' | 'default_flow'>,
  id: string,
): Promise<Summary | undefined> {
  const keys = createKeys(config.redis.prefix);
  const { partitions = config.partitions } = await readDeployment(redis, keys);
  const key = keys.transaction(partitionOf(id, partitions), id);
  const json = await reply(redis.get(key), key);
  if (json === null) return undefined;
  const { state, kept, status } = decodeRecord(json, key);
  const flow = createFlowFinder(config)(state.facts.interface_id?.value);
  const evaluation = { ...evaluate(state, flow, kept.created_at, kept.updated_at), status };
  return summarize(state, flow, evaluation, kept);
}

/** Undefined if the store does not know it. */
export async function fromClickHouse(client: ClickHouseClient, id: string): Promise<Summary | undefined> {
  const result = await client.query({
    query: 'SELECT * FROM transaction_summary WHERE transaction_id = {id:String}',
    query_params: { id },
    format: 'JSONEachRow',
    clickhouse_settings: { output_format_json_quote_64bit_integers: 0, date_time_output_format: 'iso' },
  });
  return (await result.json<Summary>())[0];
}
