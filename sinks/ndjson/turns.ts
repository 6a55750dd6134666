import { RetriableError } from '../../common/errors.ts';
import { createOneByOne } from '../../common/one-by-one.ts';
import type { OneByOne } from '../../common/one-by-one.ts';

/** Pieces of work one after the other, in the order they came. */
export interface Turns {
  run: OneByOne;
  /**
   * The same, but waited for no longer than the bounds allow: then a RetriableError. What was begun goes on, since nothing can end a call to a
   * disk that hangs, and holds up those who come after it. What was not is never begun, and nothing of it is kept.
   */
  runBounded<T>(work: () => Promise<T>, bounds: { signal: AbortSignal; msMax: number }): Promise<T>;
}

export function createTurns(): Turns {
  const run = createOneByOne();
  return {
    run,
    runBounded: async <T>(
      work: () => Promise<T>,
      { signal, msMax }: { signal: AbortSignal; msMax: number },
    ) => {
      let timer: NodeJS.Timeout | undefined;
      let onAbort = () => {};
      /** Let go when it is given up: behind a disk that hangs, each attempt would keep its bytes. */
      let todo: (() => Promise<T>) | undefined = work;
      const givenUp = new Promise<never>((_, reject) => {
        const giveUp = (why: string) => {
          todo = undefined;
          reject(new RetriableError(why));
        };
        onAbort = () => giveUp('given up: the process is about to end');
        timer = setTimeout(() => giveUp(`the disk did not answer within ${msMax} ms`), msMax);
        signal.addEventListener('abort', onAbort, { once: true });
        if (signal.aborted) onAbort();
      });
      const done = run(() => todo?.() ?? givenUp);
      try {
        return await Promise.race([done, givenUp]);
      } finally {
        clearTimeout(timer);
        signal.removeEventListener('abort', onAbort);
      }
    },
  };
}
