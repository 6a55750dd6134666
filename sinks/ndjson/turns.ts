import { RetriableError } from '../../common/errors.ts';

/** Pieces of work one after the other, in the order they came. */
export interface Turns {
  run<T>(work: () => Promise<T>): Promise<T>;
  /**
   * The same, but waited for no longer than the bounds allow: then a RetriableError. What was begun goes on, since nothing can end a call to a
   * disk that hangs, and holds up those who come after it.
   */
  runBounded<T>(work: () => Promise<T>, bounds: { signal: AbortSignal; msMax: number }): Promise<T>;
}

export function createTurns(): Turns {
  let last: Promise<unknown> = Promise.resolve();

  function run<T>(work: () => Promise<T>): Promise<T> {
    const done = last.then(work);
    last = done.catch(() => undefined);
    return done;
  }

  return {
    run,
    runBounded: async (work, { signal, msMax }) => {
      let timer: NodeJS.Timeout | undefined;
      let onAbort = () => {};
      const givenUp = new Promise<never>((_, reject) => {
        onAbort = () => reject(new RetriableError('given up: the process is about to end'));
        timer = setTimeout(
          () => reject(new RetriableError(`the disk did not answer within ${msMax} ms`)),
          msMax,
        );
        signal.addEventListener('abort', onAbort, { once: true });
      });
      const done = run(() => {
        // What was given up before its turn is not begun at all.
        if (signal.aborted) throw new RetriableError('given up: the process is about to end');
        return work();
      });
      try {
        return await Promise.race([done, givenUp]);
      } finally {
        clearTimeout(timer);
        signal.removeEventListener('abort', onAbort);
      }
    },
  };
}
