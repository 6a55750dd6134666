import { holderOf } from '../../common/redis/claim-scripts.ts';
import type { RedisClient } from '../../common/redis/connection.ts';
import { PROCESSOR_GROUP, streamInfo } from '../../common/redis/groups.ts';
import type { Keys, StreamKind } from '../../common/redis/keys.ts';
import { readDeployment } from '../../common/redis/partition-change.ts';
import { reply } from '../../common/redis/redis-error.ts';
import { table } from '../table.ts';

/** How many partitions there are, what is in each, and whether that is being changed; as text for a person. */
export async function partitionsInWords(redis: RedisClient, keys: Keys, configured: number): Promise<string> {
  const { partitions, change } = await readDeployment(redis, keys);
  if (partitions === undefined)
    return 'Nothing was ever started on this Redis; the first role records how many there are.';
  const shown = change === undefined ? partitions : Math.max(change.from, change.to);
  const rows: string[][] = [];
  for (let partition = 0; partition < shown; partition += 1) rows.push(await rowOf(redis, keys, partition));
  const lines = [
    `This deployment has ${partitions} partitions.`,
    ...(change === undefined
      ? []
      : [
          `They are being changed from ${change.from} to ${change.to} (step: ${change.step}); ${await whoDoesIt(redis, keys, change.to)}.`,
        ]),
    ...(change === undefined && configured !== partitions
      ? [`The config says ${configured}: set \`partitions: ${partitions}\` before a role is started with it.`]
      : []),
    '',
    table(['partition', 'logs', 'summaries', 'dead letters', 'deadlines', 'processor'], rows),
    '',
    'Logs, summaries and dead letters: entries (batches of up to 256 rows) in Redis. Deadlines: open transactions that have one.',
  ];
  return lines.join('\n');
}

async function rowOf(redis: RedisClient, keys: Keys, partition: number): Promise<string[]> {
  const entries = async (kind: StreamKind) =>
    String((await streamInfo(redis, keys.stream(partition, kind)))?.length ?? 0);
  const token = await reply(redis.get(keys.claim(partition, PROCESSOR_GROUP)));
  return [
    String(partition),
    await entries('log'),
    await entries('summary'),
    await entries('dead_letter'),
    String(await reply(redis.zcard(keys.deadlines(partition)))),
    token === null ? '(not claimed)' : holderOf(token),
  ];
}

async function whoDoesIt(redis: RedisClient, keys: Keys, to: number): Promise<string> {
  const token = await reply(redis.get(keys.changeClaim()));
  return token === null
    ? `nobody works on it: \`tranweave partitions --to ${to}\` goes on`
    : `${holderOf(token)} works on it`;
}
