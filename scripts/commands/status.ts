import { systemClock } from '../../common/clock.ts';
import { silentLogger } from '../../common/logger.ts';
import { holderOf } from '../../common/redis/claim-scripts.ts';
import { connectRedis, untilReady } from '../../common/redis/connection.ts';
import type { RedisClient } from '../../common/redis/connection.ts';
import { groupsOf, PROCESSOR_GROUP, streamInfo } from '../../common/redis/groups.ts';
import { createKeys, STREAM_KINDS } from '../../common/redis/keys.ts';
import type { Keys, StreamKind } from '../../common/redis/keys.ts';
import { readDeployment } from '../../common/redis/partition-change.ts';
import { reply } from '../../common/redis/redis-error.ts';
import { millisOfId } from '../../common/redis/stream-id.ts';
import { table } from '../table.ts';
import { loadTranweaveConfig } from '../tranweave-config.ts';

export interface StatusOptions {
  config: string;
  json?: true;
}

interface StreamStatus {
  stream: string;
  partition: number;
  kind: StreamKind;
  /** Entries (batches) that are in Redis now. */
  entries: number;
  groups: GroupStatus[];
}

interface GroupStatus {
  name: string;
  /** Entries that it has not taken; null where Redis cannot tell. */
  lag: number | null;
  /** How long ago the oldest of these was appended, in seconds; null if it has them all. */
  behind_seconds: number | null;
  holder: string | null;
}

const REDIS_MS_MAX = 5_000;

/** Prints streams, the lag of every group in entries, and who holds which partition. */
export async function status(options: StatusOptions): Promise<void> {
  const config = loadTranweaveConfig(options.config);
  const redis = connectRedis(config.redis, silentLogger());
  try {
    await untilReady(redis, REDIS_MS_MAX);
    const keys = createKeys(config.redis.prefix);
    const streams: StreamStatus[] = [];
    const { partitions = config.partitions } = await readDeployment(redis, keys);
    for (let partition = 0; partition < partitions; partition += 1) {
      for (const kind of STREAM_KINDS) streams.push(await statusOf(redis, keys, partition, kind));
    }
    const groups = new Set([PROCESSOR_GROUP, ...streams.flatMap((s) => s.groups.map((g) => g.name))]);
    const replicas = Object.fromEntries(
      await Promise.all(
        [...groups].map(async (group) => [group, await replicasOf(redis, keys, group)] as const),
      ),
    );
    const text = options.json ? JSON.stringify({ streams, replicas }, null, 2) : inWords(streams, replicas);
    process.stdout.write(`${text}\n`);
  } finally {
    redis.disconnect();
  }
}

async function statusOf(
  redis: RedisClient,
  keys: Keys,
  partition: number,
  kind: StreamKind,
): Promise<StreamStatus> {
  const stream = keys.stream(partition, kind);
  const info = await streamInfo(redis, stream);
  const groups = await groupsOf(redis, stream);
  return {
    stream,
    partition,
    kind,
    entries: info?.length ?? 0,
    groups: await Promise.all(
      groups.map(async ({ name, lag, last_delivered_id }) => {
        const token = await reply(redis.get(keys.claim(partition, name)));
        const since = lag === 0 ? null : await waitingSince(redis, stream, last_delivered_id);
        return {
          name,
          lag,
          behind_seconds: since === null ? null : Math.max(0, systemClock.now() - since) / 1000,
          holder: token === null ? null : holderOf(token),
        };
      }),
    ),
  };
}

/** When the first entry after a position was appended, ms since 1970; null if there is none. */
async function waitingSince(redis: RedisClient, stream: string, position: string): Promise<number | null> {
  const [first] = await reply(redis.xrange(stream, `(${position}`, '+', 'COUNT', 1));
  return first === undefined ? null : millisOfId(first[0]);
}

/** Replicas that have shown a sign of life, and how long ago. */
async function replicasOf(redis: RedisClient, keys: Keys, group: string): Promise<string[]> {
  return reply(redis.zrange(keys.replicas(group), '0', '-1'));
}

function inWords(streams: readonly StreamStatus[], replicas: Readonly<Record<string, string[]>>): string {
  const rows = streams.flatMap((stream) =>
    (stream.groups.length === 0 ? [undefined] : stream.groups).map((group) => [
      stream.stream,
      String(stream.entries),
      group?.name ?? '(nobody reads it)',
      group === undefined ? '' : group.lag === null ? 'unknown' : String(group.lag),
      behindInWords(group?.behind_seconds ?? null),
      group === undefined ? '' : (group.holder ?? '(not claimed)'),
    ]),
  );
  const living = Object.entries(replicas).map(([group, names]) => [
    group,
    String(names.length),
    names.join(', '),
  ]);
  return [
    'Entries are batches of up to 256 rows. Lag: entries that a group has not taken yet; behind: how long the oldest of them has waited.',
    'Entries stay until every group has them: a group that stays away holds them back.',
    '',
    table(['stream', 'entries', 'group', 'lag', 'behind', 'claimed by'], rows),
    '',
    table(['group', 'replicas', 'names'], living),
  ].join('\n');
}

/** `0.4 s`, `12 s`, `3 h 20 min`: two figures are enough to see whether somebody is away. */
function behindInWords(seconds: number | null): string {
  if (seconds === null) return '';
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 120) return `${Math.round(seconds)} s`;
  const minutes = Math.floor(seconds / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
