import { RetriableError } from '../../common/errors.ts';

export interface Bounds {
  /** For messages: PostgreSQL. */
  store: string;
  msMax: number;
  signal: AbortSignal;
  /** Makes the work end, by closing its connection: a driver's own limits leave a connection that is still at work. */
  giveUp: () => void;
}

export const GIVEN_UP = 'given up: the process is about to end';

/** Waits for the work, but no longer than its bounds; then it is given up and a RetriableError is thrown. */
export function bounded<T>(work: () => Promise<T>, bounds: Bounds): Promise<T> {
  const { store, msMax, signal, giveUp } = bounds;
  // An abort that came before is told to nobody.
  if (signal.aborted) return Promise.reject(new RetriableError(GIVEN_UP));
  return new Promise((resolve, reject) => {
    const end = (words: string) => {
      done();
      reject(new RetriableError(words));
      giveUp();
    };
    const onAbort = () => end(GIVEN_UP);
    const timer = setTimeout(() => end(`${store} did not answer within ${msMax / 1000} s`), msMax);
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
    };
    signal.addEventListener('abort', onAbort, { once: true });
    work().then(resolve, reject).finally(done);
  });
}
