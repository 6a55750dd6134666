import type { Logger } from '../../../common/logger.ts';
import type { RedisClient } from '../../../common/redis/connection.ts';
import type { Keys } from '../../../common/redis/keys.ts';
import { readDeployment } from '../../../common/redis/partition-change.ts';
import { reply } from '../../../common/redis/redis-error.ts';
import { parseSourceRecord } from './identity.ts';
import type { SourceRecord } from './identity.ts';

/** Sources as Redis remembers them, by id; undefined where the record cannot be read: its id is taken all the same. */
export type Records = Map<string, SourceRecord | undefined>;

export interface RecordDeps {
  input: string;
  redis: RedisClient;
  keys: Keys;
  logger: Logger;
}

const SCAN_COUNT = 1000;

/** The sources whose ids begin so. Other machines' sources are in the same hash: they stay there. */
export async function readRecords(
  { input, redis, keys, logger }: RecordDeps,
  prefix: string,
): Promise<Records> {
  const records: Records = new Map();
  const pattern = `${prefix.replaceAll(/[*?[\]\\^]/g, '\\$&')}*`;
  let cursor = '0';
  do {
    const [next, found] = await reply(
      redis.hscan(keys.sources(input), cursor, 'MATCH', pattern, 'COUNT', SCAN_COUNT),
    );
    for (let i = 0; i + 1 < found.length; i += 2) {
      const id = found[i] ?? '';
      const record = parseSourceRecord(found[i + 1] ?? '');
      if (record === undefined) logger.warn({ source: id }, 'what is remembered of a source cannot be read');
      records.set(id, record);
    }
    cursor = next;
  } while (cursor !== '0');
  return records;
}

/** False if that cannot be now. In an order that leaves no position without its source, since a new source could get the id. */
export async function forgetSource({ input, redis, keys }: RecordDeps, id: string): Promise<boolean> {
  const { partitions, change } = await readDeployment(redis, keys);
  // How many there are is written down when a deployment is first started; without it, and while it changes, we cannot clean up.
  if (partitions === undefined || change !== undefined) return false;
  for (let partition = 0; partition < partitions; partition += 1) {
    await reply(redis.hdel(keys.positions(partition), id));
  }
  await reply(redis.hdel(keys.formerPositions(), id));
  await reply(redis.hdel(keys.lowWater(input), id));
  await reply(redis.hdel(keys.sources(input), id));
  return true;
}
