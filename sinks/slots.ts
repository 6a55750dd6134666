/** Lets at most `max` pieces of work run at a time; the others wait in the order they came, or until their signal aborts. */
export interface Slots {
  /** Runs the work when a slot is free. Undefined if the signal aborted before. */
  run<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T | undefined>;
}

export function createSlots(max: number): Slots {
  let free = max;
  const waiting: (() => void)[] = [];

  function leave(): void {
    const next = waiting.shift();
    if (next === undefined) free += 1;
    else next();
  }

  async function enter(signal: AbortSignal): Promise<boolean> {
    if (signal.aborted) return false;
    if (free > 0) {
      free -= 1;
      return true;
    }
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
    });
  }

  return {
    run: async (work, signal) => {
      if (!(await enter(signal))) return undefined;
      try {
        return await work();
      } finally {
        leave();
      }
    },
  };
}
