/** Lets so many through at a time; the others wait in their order, and what is too many is refused. */
export interface Gate {
  /**
   * Runs the work when there is a place. Rejects with a GateFullError when too many wait already, and with the signal's reason when it
   * aborts while the work waits; once begun, the work is not touched.
   */
  use<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T>;
}

export class GateFullError extends Error {
  override readonly name = 'GateFullError';
}

export function createGate(places: number, waitingMax: number): Gate {
  let taken = 0;
  const waiting = new Set<() => void>();

  function enter(signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted();
    if (taken < places) {
      taken += 1;
      return Promise.resolve();
    }
    if (waiting.size >= waitingMax) throw new GateFullError('too many queries are waiting');
    return new Promise((resolve, reject) => {
      const giveUp = () => {
        waiting.delete(begin);
        reject(signal?.reason as Error);
      };
      const begin = () => {
        signal?.removeEventListener('abort', giveUp);
        resolve();
      };
      waiting.add(begin);
      signal?.addEventListener('abort', giveUp, { once: true });
    });
  }

  /** The place goes to whoever waits longest. */
  function leave(): void {
    const [next] = waiting;
    if (next === undefined) {
      taken -= 1;
      return;
    }
    waiting.delete(next);
    next();
  }

  return {
    use: async (work, signal) => {
      await enter(signal);
      try {
        return await work();
      } finally {
        leave();
      }
    },
  };
}
