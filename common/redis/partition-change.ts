import { BackPressureError, FatalError } from '../errors.ts';
import type { RedisClient } from './connection.ts';
import { PROCESSOR_GROUP } from './groups.ts';
import type { Keys } from './keys.ts';
import { reply } from './redis-error.ts';

/**
 * A change of the number of partitions, as everybody sees it in `meta`; `tranweave partitions` makes it (scripts/partitions/).
 *
 *   none ──▶ merge ──▶ store ──▶ move ──▶ tidy ──▶ none
 *              └─────────┴─────────┴──(taken back)──▶ none, as before
 *
 * From `merge` on collectors take nothing. merge: processors and sinks work off what is there. store: processors have let go, so
 * that no deadline makes anything new, and sinks store the rest. move: nobody works, and no role starts; transactions move to
 * their new partitions. tidy: the new number is in force, and what is left of the old one goes.
 */
export const CHANGE_STEPS = ['merge', 'store', 'move', 'tidy'] as const;
export type ChangeStep = (typeof CHANGE_STEPS)[number];

export interface PartitionChange {
  from: number;
  to: number;
  step: ChangeStep;
}

/** What `meta` tells of a deployment. */
export interface Deployment {
  /** Undefined before the first role was started. */
  partitions: number | undefined;
  format: string | undefined;
  change: PartitionChange | undefined;
}

/** The guard of a partition while nothing may be appended to it. */
export const GUARD_CHANGING = 'changing';

export async function readDeployment(redis: RedisClient, keys: Keys): Promise<Deployment> {
  const [partitions, format, from, to, step] = await reply(
    redis.hmget(keys.meta(), 'partitions', 'format', 'changing_from', 'changing_to', 'changing_step'),
    keys.meta(),
  );
  const known = CHANGE_STEPS.find((name) => name === step);
  return {
    partitions: /^[1-9]\d*$/.test(partitions ?? '') ? Number(partitions) : undefined,
    format: format ?? undefined,
    change: known === undefined ? undefined : { from: Number(from), to: Number(to), step: known },
  };
}

/**
 * Whether a role that was started with so many partitions may work for a group now: not while they are being changed. Throws a FatalError
 * once there is another number of them.
 */
export async function mayWork(
  redis: RedisClient,
  keys: Keys,
  partitions: number,
  group: string,
): Promise<boolean> {
  const { partitions: inForce, change } = await readDeployment(redis, keys);
  if (change !== undefined) {
    return change.step === 'merge' || (change.step === 'store' && group !== PROCESSOR_GROUP);
  }
  // Nothing is recorded when somebody has emptied Redis under us.
  if (inForce !== undefined && inForce !== partitions) throw otherNumber(inForce, partitions);
  return true;
}

/** Throws a FatalError, in words for the operator, while no role may start. */
export function refuseHalfway({ change }: Deployment): void {
  if (change === undefined || change.step === 'merge' || change.step === 'store') return;
  throw new FatalError(
    `the number of partitions is being changed from ${change.from} to ${change.to}. If \`tranweave partitions --to ${change.to}\` is not at work ` +
      'any more, run it again: it goes on from where it stopped',
  );
}

/** What a refusal by a partition's guard means to a collector that was started with so many partitions. */
export function guardError(guard: string, partitions: number): Error {
  return guard === GUARD_CHANGING
    ? new BackPressureError('the number of partitions is being changed')
    : otherNumber(Number(guard), partitions);
}

function otherNumber(inForce: number, partitions: number): FatalError {
  return new FatalError(
    `this deployment has ${inForce} partitions now, but this process was started with ${partitions}: set \`partitions: ${inForce}\` and start it again`,
  );
}
