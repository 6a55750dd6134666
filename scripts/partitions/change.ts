import type { Clock } from '../../common/clock.ts';
import { describeError, FatalError, FencedError, RetriableError } from '../../common/errors.ts';
import type { RedisClient } from '../../common/redis/connection.ts';
import { PROCESSOR_GROUP } from '../../common/redis/groups.ts';
import type { Keys } from '../../common/redis/keys.ts';
import { GUARD_CHANGING, readDeployment } from '../../common/redis/partition-change.ts';
import type { PartitionChange } from '../../common/redis/partition-change.ts';
import { beginChange } from './begin.ts';
import type { ChangeMeta } from './change-meta.ts';
import { noteFormerPositions } from './former-positions.ts';
import { createGroups, namesOf, readGroups } from './groups.ts';
import type { GroupsByKind } from './groups.ts';
import type { Hold } from './hold.ts';
import { drainAndTake, take } from './let-go.ts';
import { moveTransactions } from './move.ts';
import { patiently } from './patience.ts';
import { createProgress } from './progress.ts';
import { dropPartitions, dropPositions, setGuards } from './tidy.ts';

/**
 * Changes the number of partitions; the steps are told in common/redis/partition-change.ts. Whatever ends this at whatever moment, the
 * same command goes on from there: `meta` says what it has come to, and every step may be done again.
 */
export interface ChangeDeps {
  redis: RedisClient;
  keys: Keys;
  hold: Hold;
  meta: ChangeMeta;
  clock: Clock;
  /** Aborts when the operator wants it to end. */
  stopping: AbortSignal;
  /** How long processors and sinks may take to work off what is there and to let go. */
  waitMs: number;
  /** After how long the claims of a command that was killed are free. */
  claimMs: number;
  /** Groups that nobody reads for any more. */
  dropGroups: readonly string[];
  /** Tells whoever works for a group to look at `meta` at once and not at the next heartbeat. */
  tellRoles: (group: string) => void;
  /** A line for the operator. */
  say: (line: string) => void;
}

export type ChangeResult =
  | { kind: 'same'; partitions: number }
  | { kind: 'taken back'; change: PartitionChange }
  | { kind: 'changed'; change: PartitionChange; moved: number; waitedMs: number; movedMs: number };

/** Throws a FatalError, in words for the operator, when it cannot be done or was stopped; what the state is then, it says. */
export async function changePartitions(deps: ChangeDeps, to: number): Promise<ChangeResult> {
  const begun = await beginChange(deps, to);
  if (begun.kind === 'same') return begun;
  const { kind, change } = begun;
  try {
    if (kind === 'forward') return await goForward(deps, change);
    await takeBack(deps, change);
    return { kind: 'taken back', change };
  } catch (error) {
    throw await endBadly(deps, change, to, error);
  }
}

async function goForward(deps: ChangeDeps, change: PartitionChange): Promise<ChangeResult> {
  const { redis, keys, meta, clock, stopping } = deps;
  const { from, to, step } = change;
  const startedAt = clock.now();
  const deadline = startedAt + deps.waitMs;
  // From here on no collector takes anything.
  await patiently(deps, () => setGuards(redis, keys, Math.max(from, to), GUARD_CHANGING));
  const groups = await patiently(deps, () => readGroups(redis, keys, Math.max(from, to)));
  if (step === 'merge' || step === 'store') await drainAndTake(deps, change, groups, deadline);
  else await take(deps, change, namesOf(groups), deadline);
  const quietAt = clock.now();
  let moved = 0;
  if (step !== 'tidy') {
    await patiently(deps, () => noteFormerPositions(redis, keys, from, stopping));
    moved = await moveTo(deps, to);
    await patiently(deps, () => createGroups(redis, keys, groups, from, to));
    if (stopping.aborted) throw new FatalError('stopped');
    await patiently(deps, () => meta.switchTo(to));
  }
  await tidy(deps, change, groups);
  return { kind: 'changed', change, moved, waitedMs: quietAt - startedAt, movedMs: clock.now() - quietAt };
}

/** Every transaction to where it belongs. Returns how many were elsewhere. */
async function moveTo(deps: ChangeDeps, partitions: number): Promise<number> {
  const { redis, keys, hold, clock, say, stopping } = deps;
  const progress = createProgress(clock, say);
  let moved = 0;
  const onMoved = (count: number) => {
    moved += count;
    progress(() => [`${moved} transactions moved`]);
  };
  await patiently(deps, () => moveTransactions({ redis, keys, hold, stopping, onMoved }, partitions));
  return moved;
}

/** The new number is in force: what is left of the old one goes, and after that collectors may come. */
async function tidy(deps: ChangeDeps, { from, to }: PartitionChange, groups: GroupsByKind): Promise<void> {
  const { redis, keys, meta } = deps;
  await patiently(deps, () => dropPositions(deps, from));
  await patiently(deps, () => dropPartitions(deps, to, from, groups));
  await patiently(deps, () => setGuards(redis, keys, Math.max(from, to), String(to)));
  await patiently(deps, () => meta.end());
  for (const group of namesOf(groups)) deps.tellRoles(group);
}

/** Everything as it was before the change began. Does not heed `stopping`: it is short, and what is asked for. */
async function takeBack(given: ChangeDeps, change: PartitionChange): Promise<void> {
  const deps = { ...given, stopping: new AbortController().signal };
  const { redis, keys, meta, clock } = deps;
  const { from, to, step } = change;
  const groups = await patiently(deps, () => readGroups(redis, keys, Math.max(from, to)));
  if (step === 'move') {
    // A sink that does not let go has no part in this.
    await take(deps, change, [PROCESSOR_GROUP], clock.now() + deps.waitMs);
    await moveTo(deps, from);
    await patiently(deps, () => dropPartitions(deps, from, to, groups));
  }
  await patiently(deps, () => setGuards(redis, keys, Math.max(from, to), String(from)));
  await patiently(deps, () => meta.end());
  for (const group of namesOf(groups)) deps.tellRoles(group);
}

/** Takes the change back if that is still possible; returns the error that tells what came of it. */
async function endBadly(
  deps: ChangeDeps,
  { from, to }: PartitionChange,
  wanted: number,
  cause: unknown,
): Promise<unknown> {
  const again = `\`tranweave partitions --to ${wanted}\` goes on from where this stopped`;
  if (cause instanceof FencedError) {
    return new FatalError(`another command has taken the change over, or this one slept: ${again}`, {
      cause,
    });
  }
  try {
    const { change } = await readDeployment(deps.redis, deps.keys);
    if (change === undefined || change.step === 'tidy') {
      return new FatalError(`${to} partitions are in force, but not everything is tidied up: ${again}`, {
        cause,
      });
    }
    deps.say(`taking it back, to ${from} partitions`);
    await takeBack(deps, change);
  } catch (failure) {
    return new FatalError(
      `the change is half-way (${describeError(failure)}) and roles wait for its end: ${again}`,
      { cause },
    );
  }
  // A bug is told with its stack trace, as everywhere.
  if (!(cause instanceof FatalError) && !(cause instanceof RetriableError)) return cause;
  return new FatalError(`nothing was changed, there are ${from} partitions as before`, { cause });
}
