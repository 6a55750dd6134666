/**
 * The only source of time. Every part is handed a clock, so that a test can move time by hand and never
 * has to sleep.
 */
export interface Clock {
  /** Wall time in milliseconds since 1970-01-01 UTC. */
  now(): number;
  /**
   * Resolves after `ms` milliseconds, or at once when `signal` aborts: never rejects, so that a loop need only
   * look at its signal. The timer does not keep the process alive on its own account once the signal fired.
   */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** Some 24 days. A timer that is set to more fires at once. */
const TIMER_MS_MAX = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => Date.now(),
  sleep: (ms, signal) =>
    new Promise((resolve) => {
      if (signal?.aborted) return resolve();
      let left = ms;
      let timer: NodeJS.Timeout | undefined;
      const done = () => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', done);
        resolve();
      };
      const wait = () => {
        const piece = Math.min(left, TIMER_MS_MAX);
        left -= piece;
        timer = setTimeout(left > 0 ? wait : done, piece);
      };
      wait();
      signal?.addEventListener('abort', done, { once: true });
    }),
};
