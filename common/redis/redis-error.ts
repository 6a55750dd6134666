import { BackPressureError, FatalError, FencedError, ForeignDataError, RetriableError } from '../errors.ts';

/**
 * What an error of Redis means to us, by the code that starts every error reply (https://redis.io/docs/latest/develop/reference/protocol-spec/#simple-errors),
 * never by its words.
 */
const RETRIABLE = new Set([
  'LOADING', // reading its files after a start
  'BUSY', // a long script of somebody's
  'READONLY', // a replica: the master moved
  'UNBLOCKED', // our master became a replica while we waited
  'MASTERDOWN',
  'CLUSTERDOWN',
  'TRYAGAIN',
  'MOVED',
  'ASK',
  'NOREPLICAS',
  'MISCONF', // cannot write its files; writes are refused until it can
  'NOTREADY',
]);

const FATAL: Readonly<Record<string, string>> = {
  NOAUTH: 'Redis wants a password (redis.password)',
  WRONGPASS: 'Redis refuses the user or password (redis.username, redis.password)',
  NOPERM: 'the Redis user lacks rights for a command that Tranweave needs',
};

/**
 * Awaits a command's reply and throws what its failure means: see errors.ts. Unknown error replies and bugs pass through as they are.
 *
 * @param keys that the command touches, for the operator who reads that one of them is not ours.
 */
export async function reply<T>(command: Promise<T>, ...keys: readonly string[]): Promise<T> {
  try {
    return await command;
  } catch (error) {
    throw meaningOf(error, keys);
  }
}

/** How many keys an error names at most; a script may have a thousand. */
const NAMED_KEYS_MAX = 5;

export function meaningOf(error: unknown, keys: readonly string[] = []): unknown {
  if (!(error instanceof Error) || error instanceof TypeError || error instanceof RangeError) return error;
  // ioredis: an error reply of the server, as opposed to a failure of the connection.
  if (error.name !== 'ReplyError')
    return new RetriableError('Redis cannot be reached', { cause: inOurWords(error) });
  const code = errorCode(error);
  if (code === 'OOM') return new BackPressureError('Redis has no memory left', { cause: error });
  if (code === 'FENCED') return new FencedError('the claim belongs to another replica now', { cause: error });
  if (code === 'WRONGTYPE') {
    const where = keys.length === 0 ? 'one of our keys' : keys.slice(0, NAMED_KEYS_MAX).join(' or ');
    return new ForeignDataError(`Redis holds something that is not ours under ${where}`, { cause: error });
  }
  if (RETRIABLE.has(code)) return new RetriableError('Redis cannot do it now', { cause: error });
  const fatal = FATAL[code];
  return fatal === undefined ? error : new FatalError(fatal, { cause: error });
}

/** What ioredis says of a command while there is no connection is about its own options, and has no code. */
function inOurWords(error: Error): Error {
  return error.message.endsWith('enableOfflineQueue options is false') ? new Error('not connected') : error;
}

/** The code word of an error reply: `NOGROUP`, `WRONGTYPE`, …; '' for anything else. */
export function errorCode(error: unknown): string {
  if (!(error instanceof Error) || error.name !== 'ReplyError') return '';
  return /^[A-Z]+/.exec(error.message)?.[0] ?? '';
}
