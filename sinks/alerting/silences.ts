import * as v from 'valibot';
import { FatalError } from '../../common/errors.ts';
import type { RedisClient } from '../../common/redis/connection.ts';
import type { Keys } from '../../common/redis/keys.ts';
import { reply } from '../../common/redis/redis-error.ts';
import { silenceSchema } from './quiet.ts';
import type { Silence } from './quiet.ts';

/** Silences in Redis: people add and remove them by the command line, the evaluator reads them at each look. */

const SILENCES_MAX = 1000;
/** So long they are still shown after they ended. */
const KEPT_MS = 7 * 86_400_000;

export type SilenceStore = ReturnType<typeof createSilenceStore>;

export function createSilenceStore(redis: RedisClient, keys: Keys) {
  const key = keys.alertSilences();
  const all = async (): Promise<Silence[]> => {
    const found = await reply(redis.hvals(key), key);
    return found.flatMap((json) => parseSilence(json) ?? []).sort((a, b) => a.from - b.from);
  };
  return {
    all,
    /** Drops what ended long ago besides. Throws a FatalError when there are too many. */
    add: async (silence: Silence): Promise<void> => {
      const there = await all();
      const old = there.filter(({ until }) => until < silence.from - KEPT_MS);
      if (old.length > 0) await reply(redis.hdel(key, ...old.map(({ id }) => id)), key);
      if (there.length - old.length >= SILENCES_MAX)
        throw new FatalError(`there are ${SILENCES_MAX} silences already; remove some first`);
      await reply(redis.hset(key, silence.id, JSON.stringify(silence)), key);
    },
    /** False if there is none of that id. */
    remove: async (id: string): Promise<boolean> => (await reply(redis.hdel(key, id), key)) === 1,
  };
}

/** Undefined if it is none of ours. */
function parseSilence(json: string): Silence | undefined {
  try {
    const parsed = v.safeParse(silenceSchema, JSON.parse(json));
    return parsed.success ? parsed.output : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
