import { readFileSync } from 'node:fs';
import type { RedisClient } from './connection.ts';
import { reply } from './redis-error.ts';

const source = readFileSync(new URL('./rights.lua', import.meta.url), 'utf8');

/** A command of our scripts that the Redis user may not run on this key, if there is one. */
export async function lackingRight(redis: RedisClient, key: string): Promise<string | undefined> {
  const lacking = (await reply(redis.callBuffer('EVAL', source, '1', key))) as Buffer | null;
  return lacking === null ? undefined : String(lacking);
}
