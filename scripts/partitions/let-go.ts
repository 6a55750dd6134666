import { FatalError } from '../../common/errors.ts';
import { PROCESSOR_GROUP } from '../../common/redis/groups.ts';
import type { PartitionChange } from '../../common/redis/partition-change.ts';
import type { ChangeDeps } from './change.ts';
import { backlogInWords, backlogs, refuseUnread } from './drain.ts';
import type { Backlog } from './drain.ts';
import { namesOf } from './groups.ts';
import type { GroupsByKind } from './groups.ts';
import { patiently } from './patience.ts';
import { createProgress } from './progress.ts';

const POLL_MS = 200;

/**
 * Waits until processors and sinks have worked off everything, and takes every partition from them: processors first, or their deadlines
 * would go on giving sinks something to do. Throws a FatalError after `deadline` (ms since 1970), naming who is behind.
 */
export async function drainAndTake(
  deps: ChangeDeps,
  change: PartitionChange,
  groups: GroupsByKind,
  deadline: number,
): Promise<void> {
  const { redis, keys, meta } = deps;
  const isProcessor = (group: string) => group === PROCESSOR_GROUP;
  await drain(deps, change, isProcessor, deadline);
  await patiently(deps, () => meta.step('store'));
  deps.tellRoles(PROCESSOR_GROUP);
  await take(deps, change, [PROCESSOR_GROUP], deadline);
  await drain(deps, change, () => true, deadline);
  await patiently(deps, () => meta.step('move'));
  for (const group of namesOf(groups)) deps.tellRoles(group);
  await take(deps, change, namesOf(groups), deadline);
  // A sink may have let go between two batches, with a dead letter of its own on the way.
  const left = await patiently(deps, () => backlogs(redis, keys, change.from, () => true));
  if (left.length > 0) throw new FatalError(`something came in between, try again: ${inOne(left)}`);
  await patiently(deps, () => refuseUnread(redis, keys, change.to, change.from));
}

async function drain(
  deps: ChangeDeps,
  { from }: PartitionChange,
  asked: (group: string) => boolean,
  deadline: number,
): Promise<void> {
  const { redis, keys, clock, stopping, say } = deps;
  const progress = createProgress(clock, say);
  for (;;) {
    const left = await patiently(deps, () => backlogs(redis, keys, from, asked));
    if (stopping.aborted) throw new FatalError('stopped');
    if (left.length === 0) return;
    if (clock.now() > deadline) throw new FatalError(`waited in vain: ${inOne(left)}`);
    progress(() => backlogInWords(left));
    await clock.sleep(POLL_MS, stopping);
  }
}

/** Takes the groups' claims on every partition, waiting until whoever has them lets go. Throws a FatalError after `deadline`. */
export async function take(
  deps: ChangeDeps,
  { from, to }: PartitionChange,
  groups: readonly string[],
  deadline: number,
): Promise<void> {
  const { hold, clock, stopping, say } = deps;
  const progress = createProgress(clock, say);
  let left = Array.from({ length: Math.max(from, to) }, (_, partition) =>
    groups.map((group) => ({ partition, group })),
  ).flat();
  for (;;) {
    const taken = await Promise.all(
      left.map(({ partition, group }) => patiently(deps, () => hold.take(partition, group))),
    );
    left = left.filter((_, index) => taken[index] !== true);
    if (stopping.aborted) throw new FatalError('stopped');
    if (left.length === 0) return;
    const who = [...new Set(left.map(({ group }) => group))].join(', ');
    const words = `${left.length} partitions are still held for ${who}`;
    if (clock.now() > deadline) throw new FatalError(`waited in vain: ${words}`);
    progress(() => [words]);
    await clock.sleep(POLL_MS, stopping);
  }
}

function inOne(left: readonly Backlog[]): string {
  return backlogInWords(left).join('; ');
}
