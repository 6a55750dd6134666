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

export const systemClock: Clock = {
  now: () => Date.now(),
  sleep: (ms, signal) =>
    new Promise((resolve) => {
      if (signal?.aborted) return resolve();
      const done = () => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      signal?.addEventListener('abort', done, { once: true });
    }),
};
