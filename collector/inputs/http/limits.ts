import { EventEmitter, once } from 'node:events';
import { busy } from './refusal.ts';

/** Bounds over all requests of an input. Beyond them senders are told to come back: nothing queues here. */

/** Lets a bounded number of requests in, and knows when none is under way. */
export interface Gate {
  /** Runs `work` as a request under way. Throws a 503 when there are too many or the gate is closed. */
  pass<T>(work: () => Promise<T>): Promise<T>;
  /** Throws a 503 when the gate has closed meanwhile: to be asked right before something lasting is done. */
  check(): void;
  /** Resolves when no request is under way, or `signal` aborts. */
  quiet(signal: AbortSignal): Promise<void>;
  /** Lets nothing more in or through. */
  close(): void;
}

export function createGate(requestsMax: number): Gate {
  const events = new EventEmitter();
  let underWay = 0;
  let closed = false;
  const check = () => {
    if (closed) throw busy('the collector is stopping');
  };
  return {
    check,
    pass: async (work) => {
      check();
      if (underWay >= requestsMax) throw busy(`${requestsMax} requests are under way already`);
      underWay += 1;
      try {
        return await work();
      } finally {
        underWay -= 1;
        if (underWay === 0) events.emit('quiet');
      }
    },
    quiet: async (signal) => {
      if (underWay === 0 || signal.aborted) return;
      // Rejects when the signal aborts, which is an end of the waiting as good as the other.
      await once(events, 'quiet', { signal }).catch(() => undefined);
    },
    close: () => {
      closed = true;
    },
  };
}

/** Bytes of bodies in memory, over all requests. */
export interface ByteBudget {
  /** A request's share, empty at first. */
  open(): ByteLease;
}

export interface ByteLease {
  /** Throws a 503 when all requests together would hold more than they may. */
  take(bytes: number): void;
  /** Gives everything back. Safe twice. */
  release(): void;
}

export function createByteBudget(bytesMax: number): ByteBudget {
  let used = 0;
  return {
    open: () => {
      let held = 0;
      return {
        take: (bytes) => {
          if (used + bytes > bytesMax) throw busy('the bodies of requests under way fill their memory');
          used += bytes;
          held += bytes;
        },
        release: () => {
          used -= held;
          held = 0;
        },
      };
    },
  };
}
