import * as v from 'valibot';
import { ForeignDataError } from '../../common/errors.ts';
import type { RedisClient } from '../../common/redis/connection.ts';
import type { Keys } from '../../common/redis/keys.ts';
import { reply } from '../../common/redis/redis-error.ts';
import { loadScript } from '../../common/redis/scripts.ts';

/**
 * What is written down of a joint batch, several partitions' batches that go to the store as one under one token: whether it may have gone, and
 * of what it is. Each partition's manifest names it. Its key is in no partition's slot, so it is decided by itself, once and for all:
 *
 * - Whoever forms it decides that it goes, when all manifests are written, before the store gets it.
 * - Whoever takes over one of its partitions decides that its batches go apart, unless it is decided: then nobody has written it, and nobody will.
 *
 * So the same is true for all of them, whichever of them die, at whatever moment (docs/decisions/029-joint-batches.md).
 */
export interface JointRecords {
  /** Decides that it goes, as these batches in this order, if nothing is decided. False if they go apart. */
  decideToGo(id: string, parts: readonly JointPart[]): Promise<boolean>;
  /** What it is of; undefined if its batches go apart, which is decided now if nothing is. */
  partsOf(id: string): Promise<readonly JointPart[] | undefined>;
  /** The store refuses it for a row, whoever brings it: nobody has written it, and its batches go apart. */
  refuse(id: string): Promise<void>;
  /** All of its batches are committed: it is soon forgotten. */
  settle(id: string): Promise<void>;
}

const partSchema = v.object({
  partition: v.number(),
  first_id: v.string(),
  last_id: v.string(),
});
export type JointPart = v.InferOutput<typeof partSchema>;

const partsSchema = v.array(partSchema);

/** Decided of those that go apart. */
const APART = 'apart';

/** A partition whose master fails over may be back where it had not committed. */
const SETTLED_SECONDS = 600;

/** Until then somebody has taken over every partition, or a store has forgotten its tokens anyway. */
const KEPT_SECONDS = 30 * 24 * 60 * 60;

const decideScript = loadScript(new URL('./decide.lua', import.meta.url));

export function createJointRecords(redis: RedisClient, keys: Keys, group: string): JointRecords {
  const decide = async (id: string, word: string) => {
    const key = keys.jointBatch(group, id);
    return parseDecision(String(await decideScript.run(redis, [key], [word, KEPT_SECONDS])), key);
  };
  return {
    decideToGo: async (id, parts) => (await decide(id, JSON.stringify(parts))) !== undefined,
    partsOf: (id) => decide(id, APART),
    refuse: async (id) => {
      await reply(redis.unlink(keys.jointBatch(group, id)));
    },
    settle: async (id) => {
      await reply(redis.expire(keys.jointBatch(group, id), SETTLED_SECONDS));
    },
  };
}

function parseDecision(text: string, key: string): readonly JointPart[] | undefined {
  if (text === APART) return undefined;
  try {
    return v.parse(partsSchema, JSON.parse(text));
  } catch (error) {
    throw new ForeignDataError(`Redis holds something that is not ours under ${key}`, { cause: error });
  }
}
