import { createHmac } from 'node:crypto';
import * as v from 'valibot';

/** What stands in the place of a value that is masked. */

export const coverEntries = {
  keep_last: v.exactOptional(
    v.pipe(
      v.number('must be a number'),
      v.safeInteger('must be a whole number'),
      v.minValue(0, 'must not be negative'),
      v.description(
        'Letters and digits at the end that stay; the others become `*`. A value that has no more of them than that is covered whole. 0 if not given.',
      ),
    ),
  ),
  hash: v.exactOptional(
    v.pipe(
      v.boolean('must be true or false'),
      v.description(
        'Puts a keyed hash (HMAC-SHA-256 by `hash_key`, 128 bits of it) in the place of the value: equal values stay equal, and can be joined.',
      ),
    ),
  ),
};

export interface CoverConfig {
  keep_last?: number | undefined;
  hash?: boolean | undefined;
}

/** @param plain what is hashed, if that is not the value as it is written. */
export type Cover = (value: string, plain?: string) => string;

const HASH_CHARACTERS = 22;
const COVERED = /[\p{L}\p{N}]/gu;

/** @param key of hashes; a config without one has no hashes. */
export function createCover({ keep_last = 0, hash }: CoverConfig, key = ''): Cover {
  if (hash === true) {
    return (value, plain = value) =>
      `hmac-${createHmac('sha256', key).update(plain).digest('base64url').slice(0, HASH_CHARACTERS)}`;
  }
  return (value) => {
    const count = value.match(COVERED)?.length ?? 0;
    let left = count > keep_last ? count - keep_last : count;
    return value.replaceAll(COVERED, (character) => (left-- > 0 ? '*' : character));
  };
}
