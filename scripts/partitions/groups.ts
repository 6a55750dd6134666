import { FatalError } from '../../common/errors.ts';
import { holderOf } from '../../common/redis/claim-scripts.ts';
import type { RedisClient } from '../../common/redis/connection.ts';
import { ensureGroup, groupsOf, PROCESSOR_GROUP } from '../../common/redis/groups.ts';
import { STREAM_KINDS } from '../../common/redis/keys.ts';
import type { Keys, StreamKind } from '../../common/redis/keys.ts';
import { reply } from '../../common/redis/redis-error.ts';

/** Which groups read which kind of stream, in any of the partitions; those of other configs than ours are among them. */
export type GroupsByKind = Readonly<Record<StreamKind, readonly string[]>>;

export async function readGroups(redis: RedisClient, keys: Keys, partitions: number): Promise<GroupsByKind> {
  const found = {
    log: new Set([PROCESSOR_GROUP]),
    summary: new Set<string>(),
    dead_letter: new Set<string>(),
  };
  for (let partition = 0; partition < partitions; partition += 1) {
    for (const kind of STREAM_KINDS) {
      for (const { name } of await groupsOf(redis, keys.stream(partition, kind))) found[kind].add(name);
    }
  }
  return { log: [...found.log], summary: [...found.summary], dead_letter: [...found.dead_letter] };
}

/** Each group once. */
export function namesOf(groups: GroupsByKind): string[] {
  return [...new Set(STREAM_KINDS.flatMap((kind) => groups[kind]))];
}

/** The partitions from `first` on get the groups that the others have, before anything is appended there. */
export async function createGroups(
  redis: RedisClient,
  keys: Keys,
  groups: GroupsByKind,
  first: number,
  partitions: number,
): Promise<void> {
  for (let partition = first; partition < partitions; partition += 1) {
    for (const kind of STREAM_KINDS) {
      for (const group of groups[kind]) await ensureGroup(redis, keys.stream(partition, kind), group);
    }
  }
}

/**
 * Removes a group that nobody reads for any more, so that nothing waits for it. Throws a FatalError if there is no such group, if it is the
 * processors', or if somebody works for it.
 */
export async function dropGroup(
  redis: RedisClient,
  keys: Keys,
  partitions: number,
  group: string,
): Promise<void> {
  const groups = namesOf(await readGroups(redis, keys, partitions)).filter(
    (name) => name !== PROCESSOR_GROUP,
  );
  if (!groups.includes(group)) {
    const those = groups.length === 0 ? 'there are none' : `there are: ${groups.join(', ')}`;
    throw new FatalError(`${group} is no group that could be dropped; ${those}`);
  }
  for (let partition = 0; partition < partitions; partition += 1) {
    const claim = await reply(redis.get(keys.claim(partition, group)));
    if (claim !== null) {
      throw new FatalError(`group ${group} is not dropped: ${holderOf(claim)} works for it`);
    }
  }
  for (let partition = 0; partition < partitions; partition += 1) {
    for (const kind of STREAM_KINDS) {
      const there = await groupsOf(redis, keys.stream(partition, kind));
      if (!there.some(({ name }) => name === group)) continue;
      await reply(redis.xgroup('DESTROY', keys.stream(partition, kind), group));
      await reply(redis.unlink(keys.manifest(partition, kind, group)));
    }
    await reply(redis.unlink(keys.epoch(partition, group)));
  }
  await reply(redis.unlink(keys.replicas(group)));
}
