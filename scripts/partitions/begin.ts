import { FatalError } from '../../common/errors.ts';
import { PROCESSOR_GROUP } from '../../common/redis/groups.ts';
import { readDeployment } from '../../common/redis/partition-change.ts';
import type { PartitionChange } from '../../common/redis/partition-change.ts';
import type { ChangeDeps } from './change.ts';
import { refuseUnread } from './drain.ts';
import { createGroups, dropGroup } from './groups.ts';
import { patiently } from './patience.ts';
import { setGuards } from './tidy.ts';

export type Begun =
  { kind: 'same'; partitions: number } | { kind: 'forward' | 'take back'; change: PartitionChange };

/** How long another command may hold its claim after it has ended, beyond the claim's time to live. */
const GRACE_MS = 2_000;
const POLL_MS = 200;

/**
 * Begins a change, or finds the one that was begun, under the claim on it. Throws a FatalError when it cannot be, when another change is
 * under way, or another command at work.
 */
export async function beginChange(deps: ChangeDeps, to: number): Promise<Begun> {
  const { redis, keys, meta } = deps;
  await takeChange(deps);
  const { partitions, change: begun } = await patiently(deps, () => readDeployment(redis, keys));
  if (partitions === undefined) {
    throw new FatalError(
      `nothing was ever started on this Redis: just set \`partitions: ${to}\` in the config`,
    );
  }
  if (begun !== undefined) return goOnWith(deps, begun, to);
  if (partitions === to) {
    // In case a command that slept long woke up again just to shut them.
    await patiently(deps, () => setGuards(redis, keys, partitions, String(partitions)));
    return { kind: 'same', partitions };
  }
  const change: PartitionChange = { from: partitions, to, step: 'merge' };
  await patiently(deps, () => refuseUnread(redis, keys, to, partitions));
  for (const group of deps.dropGroups) await dropGroup(redis, keys, partitions, group);
  // Somebody may have removed it; then it reads everything anew, but not after the transactions have moved.
  const processors = { log: [PROCESSOR_GROUP], summary: [], dead_letter: [] };
  await patiently(deps, () => createGroups(redis, keys, processors, 0, partitions));
  await patiently(deps, () => meta.begin(change));
  return { kind: 'forward', change };
}

async function goOnWith(deps: ChangeDeps, begun: PartitionChange, to: number): Promise<Begun> {
  const { from, to: begunTo, step } = begun;
  if (to === from && step !== 'tidy') return { kind: 'take back', change: begun };
  if (to !== begunTo) {
    const back = step === 'tidy' ? '' : `, or take it back with --to ${from}`;
    throw new FatalError(
      `a change from ${from} to ${begunTo} partitions was begun: finish it with --to ${begunTo}${back}`,
    );
  }
  deps.say(`going on with the change from ${from} to ${begunTo} partitions`);
  for (const group of deps.dropGroups) await dropGroup(deps.redis, deps.keys, from, group);
  return { kind: 'forward', change: begun };
}

async function takeChange(deps: ChangeDeps): Promise<void> {
  const { hold, clock, stopping, say } = deps;
  const deadline = clock.now() + deps.claimMs + GRACE_MS;
  for (let told = false; ; told = true) {
    const holder = await patiently(deps, () => hold.takeChange());
    if (stopping.aborted) throw new FatalError('stopped before anything was begun');
    if (holder === undefined) return;
    if (clock.now() > deadline)
      throw new FatalError(`another \`tranweave partitions\` is at work: ${holder}`);
    if (!told) say(`waiting for another \`tranweave partitions\` to end: ${holder}`);
    await clock.sleep(POLL_MS, stopping);
  }
}
