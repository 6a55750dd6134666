import { FatalError } from '../../common/errors.ts';
import type { RedisClient } from '../../common/redis/connection.ts';
import { groupsOf, PROCESSOR_GROUP, streamInfo } from '../../common/redis/groups.ts';
import type { GroupInfo } from '../../common/redis/groups.ts';
import { STREAM_KINDS } from '../../common/redis/keys.ts';
import type { Keys, StreamKind } from '../../common/redis/keys.ts';
import { reply } from '../../common/redis/redis-error.ts';
import type { Manifest } from '../../sinks/manifest.ts';

/** What a group has not taken of one stream yet. */
export interface Backlog {
  group: string;
  partition: number;
  kind: StreamKind;
  /** Null where Redis cannot tell how many. */
  entries: number | null;
  /** Whether somebody holds the partition for the group. */
  held: boolean;
}

/**
 * What the groups have yet to do. Dead letters come last of a partition, since work on its other streams may add some.
 *
 * @param asked tells which groups are of interest.
 */
export async function backlogs(
  redis: RedisClient,
  keys: Keys,
  partitions: number,
  asked: (group: string) => boolean,
): Promise<Backlog[]> {
  const found: Backlog[] = [];
  for (let partition = 0; partition < partitions; partition += 1) {
    for (const kind of STREAM_KINDS) {
      for (const group of await groupsOf(redis, keys.stream(partition, kind))) {
        if (!asked(group.name) || (await hasAll(redis, keys, partition, kind, group))) continue;
        const held = (await reply(redis.exists(keys.claim(partition, group.name)))) === 1;
        found.push({ group: group.name, partition, kind, entries: group.lag, held });
      }
    }
  }
  return found;
}

/** Not told by the lag, which is unknown after deletions, but by what is there. */
async function hasAll(
  redis: RedisClient,
  keys: Keys,
  partition: number,
  kind: StreamKind,
  { name, last_delivered_id: position }: GroupInfo,
): Promise<boolean> {
  const after = await reply(redis.xrange(keys.stream(partition, kind), `(${position}`, '+', 'COUNT', 1));
  if (after.length > 0) return false;
  if (name === PROCESSOR_GROUP) return true;
  const begun = await reply(redis.get(keys.manifest(partition, kind, name)));
  // One that was begun elsewhere is never finished: the group was moved by hand (sinks/sink-worker.ts).
  return begun === null || (JSON.parse(begun) as Manifest).after_id !== position;
}

/**
 * Throws a FatalError if a stream of the partitions from `first` on, which are to go, holds entries and has no group: nobody is going to
 * read them, and whoever comes later would have got them.
 */
export async function refuseUnread(
  redis: RedisClient,
  keys: Keys,
  first: number,
  partitions: number,
): Promise<void> {
  for (let partition = first; partition < partitions; partition += 1) {
    for (const kind of STREAM_KINDS) {
      const stream = keys.stream(partition, kind);
      const entries = (await streamInfo(redis, stream))?.length ?? 0;
      if (entries === 0 || (await groupsOf(redis, stream)).length > 0) continue;
      throw new FatalError(
        `${stream} would go, but holds ${entries} entries that no group reads: configure a sink that stores them and start it, ` +
          `or drop them with \`redis-cli DEL ${stream}\``,
      );
    }
  }
}

/** What is left to do, group by group, and what to do where nobody does it. */
export function backlogInWords(found: readonly Backlog[]): string[] {
  return [...new Set(found.map(({ group }) => group))].map((group) => {
    const own = found.filter((backlog) => backlog.group === group);
    const entries = own.reduce((sum, backlog) => sum + (backlog.entries ?? 0), 0);
    const many = own.some((backlog) => backlog.entries === null) ? `at least ${entries}` : String(entries);
    const partitions = new Set(own.map((backlog) => backlog.partition)).size;
    const idle = own.some((backlog) => !backlog.held);
    return `${group}: ${many} entries in ${partitions} partitions to go${idle ? `; ${whatToDo(group)}` : ''}`;
  });
}

function whatToDo(group: string): string {
  return group === PROCESSOR_GROUP
    ? 'nobody works on some of them: start a processor'
    : `nobody works on some of them: start the process of that sink, or, if it is no more, run this again with --drop-group ${group}`;
}
