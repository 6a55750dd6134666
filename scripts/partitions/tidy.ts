import type { RedisClient } from '../../common/redis/connection.ts';
import { PROCESSOR_GROUP } from '../../common/redis/groups.ts';
import { STREAM_KINDS } from '../../common/redis/keys.ts';
import type { Keys } from '../../common/redis/keys.ts';
import { loadScript } from '../../common/redis/scripts.ts';
import { namesOf } from './groups.ts';
import type { GroupsByKind } from './groups.ts';
import type { Hold } from './hold.ts';

export interface TidyDeps {
  redis: RedisClient;
  keys: Keys;
  hold: Hold;
}

const guardScript = loadScript(new URL('./guard-set.lua', import.meta.url));
const dropScript = loadScript(new URL('./drop-keys.lua', import.meta.url));

/** Tells every partition's append for which number of partitions logs are taken, or that none are. */
export async function setGuards(
  redis: RedisClient,
  keys: Keys,
  partitions: number,
  guard: string,
): Promise<void> {
  await Promise.all(
    Array.from({ length: partitions }, (_, partition) =>
      guardScript.run(redis, [keys.guard(partition)], [guard]),
    ),
  );
}

/** Positions by a layout that is no more; what they said has been noted as former positions. */
export async function dropPositions(deps: TidyDeps, partitions: number): Promise<void> {
  for (let partition = 0; partition < partitions; partition += 1) {
    await drop(deps, partition, [deps.keys.positions(partition)]);
  }
}

/** Everything of the partitions from `first` up to `end`, which do not belong to the deployment; their guards stay. */
export async function dropPartitions(
  deps: TidyDeps,
  first: number,
  end: number,
  groups: GroupsByKind,
): Promise<void> {
  const { keys } = deps;
  for (let partition = first; partition < end; partition += 1) {
    await drop(deps, partition, [
      ...STREAM_KINDS.map((kind) => keys.stream(partition, kind)),
      ...STREAM_KINDS.flatMap((kind) => groups[kind].map((group) => keys.manifest(partition, kind, group))),
      ...namesOf(groups).map((group) => keys.epoch(partition, group)),
      keys.positions(partition),
      keys.deadlines(partition),
      keys.alertCounts(partition),
    ]);
  }
}

async function drop(
  { redis, keys, hold }: TidyDeps,
  partition: number,
  gone: readonly string[],
): Promise<void> {
  await dropScript.run(redis, [keys.claim(partition, PROCESSOR_GROUP), ...gone], [hold.token(partition)]);
}
