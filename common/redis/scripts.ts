import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { FatalError } from '../errors.ts';
import type { RedisClient } from './connection.ts';
import { errorCode, meaningOf } from './redis-error.ts';
import { lackingRight } from './rights.ts';

/** A Lua script of its own file; its head says what KEYS, ARGV and the result are. */
export interface Script {
  /** Runs it and returns the reply, texts as Buffers. Throws what a failure means (errors.ts). */
  run(
    client: RedisClient,
    keys: readonly string[],
    args: readonly (string | number | Buffer)[],
  ): Promise<unknown>;
}

/** Functions that several scripts use, as local ones of each: Redis knows no modules. */
export const PARTS = {
  book: readFileSync(new URL('./book.lua', import.meta.url), 'utf8'),
  moveGroup: readFileSync(new URL('./move-group.lua', import.meta.url), 'utf8'),
};

/**
 * @param url of the `.lua` file: `new URL('./claim.lua', import.meta.url)`.
 * @param parts what it uses of PARTS.
 */
export function loadScript(url: URL, ...parts: readonly string[]): Script {
  const [flags = '', ...lines] = readFileSync(url, 'utf8').split('\n');
  const source = [flags, ...parts, ...lines].join('\n');
  const sha = createHash('sha1').update(source).digest('hex');
  return {
    run: async (client, keys, args) => {
      try {
        return await client.callBuffer('EVALSHA', sha, keys.length, ...keys, ...args);
      } catch (error) {
        if (errorCode(error) !== 'NOSCRIPT') throw await reasonOf(error, client, keys);
      }
      try {
        return await client.callBuffer('EVAL', source, keys.length, ...keys, ...args);
      } catch (error) {
        throw await reasonOf(error, client, keys);
      }
    },
  };
}

/** A command that a script may not run fails with the code of any mistake in a script. */
async function reasonOf(error: unknown, client: RedisClient, keys: readonly string[]): Promise<unknown> {
  const [key] = keys;
  if (errorCode(error) === 'ERR' && key !== undefined) {
    const lacking = await lackingRight(client, key);
    if (lacking !== undefined)
      return new FatalError(`the Redis user may not run ${lacking}`, { cause: error });
  }
  return meaningOf(error, keys);
}
