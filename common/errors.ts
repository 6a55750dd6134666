/**
 * What may be done about a failure is decided by its class, never by its message text.
 *
 * - `RetriableError`: the environment (Redis, a store, the network) could not do it now; the same call may
 *   succeed later.
 * - `PermanentError`: this piece of work can never succeed as it is; keep it as a dead letter.
 * - `FatalError`: this process cannot do its job (wrong partition count, wrong password); stop, saying why.
 *
 * Anything else that is thrown is a bug and is not caught: retrying a TypeError only hides it.
 */
export class RetriableError extends Error {
  override readonly name: string = 'RetriableError';
}

export class PermanentError extends Error {
  override readonly name: string = 'PermanentError';
}

/** Ends the process with its message alone, without a stack trace: it is written for the operator. */
export class FatalError extends Error {
  override readonly name: string = 'FatalError';
}

/** Redis, or the mark that we set for it, can hold no more now; senders must wait. Answered as 503. */
export class BackPressureError extends RetriableError {
  override readonly name = 'BackPressureError';
}

/**
 * What Redis holds under one of our keys is not ours: somebody replaced it. Nobody here can mend that, but others can, so work on that
 * partition waits while everything else goes on.
 */
export class ForeignDataError extends RetriableError {
  override readonly name = 'ForeignDataError';
}

/** The claim under which work was being done belongs to somebody else now; the work had no effect. */
export class FencedError extends Error {
  override readonly name = 'FencedError';
}

/** The message of anything thrown, with the chain of causes: `insert failed: connect ECONNREFUSED`. */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const own = error.message || error.name;
  if (error.cause === undefined) return own;
  const cause = describeError(error.cause);
  // Libraries wrap an error in another with the same words.
  return cause === own ? own : `${own}: ${cause}`;
}
