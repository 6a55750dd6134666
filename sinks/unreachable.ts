import { FatalError, RetriableError } from '../common/errors.ts';

/**
 * What is thrown when a store did not answer at all, be it for sockets, DNS, TLS or a client's own time limits: worth another attempt.
 * What already says what it means, and bugs, stay what they are.
 */
export function unreachable(store: string, error: unknown): unknown {
  if (error instanceof RetriableError || error instanceof FatalError) return error;
  if (!(error instanceof Error) || isBug(error)) return error;
  return new RetriableError(`${store} cannot be reached`, { cause: error });
}

/** What the language throws. */
function isBug(error: Error): boolean {
  return [TypeError, RangeError, ReferenceError, SyntaxError].some((kind) => error instanceof kind);
}
