/** Lets so many pieces of work run at a time; the others wait in the order they came, or until their signal aborts. */
export interface Slots {
  /** Runs the work when a slot is free. Undefined if the signal aborted before. */
  run<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T | undefined>;
}

/** @param max how many may run now, at least 1; asked whenever one comes or ends. */
export function createSlots(max: () => number): Slots {
  let running = 0;
  const waiting: (() => void)[] = [];

  function admit(): void {
    while (waiting.length > 0 && running < max()) {
      running += 1;
      waiting.shift()?.();
    }
  }

  async function enter(signal: AbortSignal): Promise<boolean> {
    if (signal.aborted) return false;
    return new Promise((resolve) => {
      const onTurn = () => {
        signal.removeEventListener('abort', onAbort);
        resolve(true);
      };
      const onAbort = () => {
        const at = waiting.indexOf(onTurn);
        if (at !== -1) waiting.splice(at, 1);
        resolve(false);
      };
      waiting.push(onTurn);
      signal.addEventListener('abort', onAbort, { once: true });
      admit();
    });
  }

  return {
    run: async (work, signal) => {
      if (!(await enter(signal))) return undefined;
      try {
        return await work();
      } finally {
        running -= 1;
        admit();
      }
    },
  };
}
