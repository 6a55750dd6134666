import { createHash } from 'node:crypto';
import type { RedisClient } from '../../../common/redis/connection.ts';
import type { Keys } from '../../../common/redis/keys.ts';
import { reply } from '../../../common/redis/redis-error.ts';
import { HttpRefusal } from './refusal.ts';

/**
 * Idempotency-Key: a sender that did not see our answer sends the same body under the same key again, and its logs get the
 * same event ids, so that the repetition changes nothing. Two bodies under one key would give different logs the same
 * ids, hence the key is remembered with the body's hash before anything is appended.
 * https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/
 */

/** Longer than any sender goes on trying. */
const REMEMBERED_S = 24 * 60 * 60;
/** It becomes a part of event ids, which people read and search for. */
const KEY = /^[\x20-\x7e]{1,256}$/;

/** The key of a request, if it has one. Throws a 400 for what is no key. */
export function parseIdempotencyKey(header: string | undefined): string | undefined {
  if (header === undefined || KEY.test(header)) return header;
  throw new HttpRefusal(400, 'Idempotency-Key must be 1 to 256 printable ASCII characters');
}

export interface IdempotencyDeps {
  name: string;
  redis: RedisClient;
  keys: Keys;
}

/** Remembers whose body a key is. Throws a 422 when it is another's already. */
export async function claimKey(
  { name, redis, keys }: IdempotencyDeps,
  key: string,
  body: Buffer,
): Promise<void> {
  const hash = sha256(body);
  const known = await reply(
    redis.set(keys.request(name, sha256(key)), hash, 'EX', REMEMBERED_S, 'NX', 'GET'),
  );
  if (known === null || known === hash) return;
  throw new HttpRefusal(422, 'this Idempotency-Key was used with a different body within the last 24 hours');
}

function sha256(data: Buffer | string): string {
  return createHash('sha256').update(data).digest('hex');
}
