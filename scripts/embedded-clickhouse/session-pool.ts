import type { Session } from 'chdb';

/**
 * Hands out sessions one query at a time: a session runs its queries one after another, so what is more than there are sessions waits
 * here, in order.
 */
export interface SessionPool {
  /** Runs the work with a session of its own. Rejects with `PoolFullError` when too many wait already. */
  use<T>(work: (session: Session) => Promise<T>): Promise<T>;
}

export class PoolFullError extends Error {}

/** Queries that may wait; ClickHouse answers the rest with TOO_MANY_SIMULTANEOUS_QUERIES, and so do we. */
const WAITING_MAX = 200;

export function createSessionPool(sessions: readonly Session[]): SessionPool {
  const free = [...sessions];
  const waiting: ((session: Session) => void)[] = [];

  function take(): Promise<Session> {
    const session = free.pop();
    if (session !== undefined) return Promise.resolve(session);
    if (waiting.length >= WAITING_MAX)
      return Promise.reject(new PoolFullError('too many queries are waiting'));
    return new Promise((resolve) => {
      waiting.push(resolve);
    });
  }

  return {
    use: async (work) => {
      const session = await take();
      try {
        return await work(session);
      } finally {
        const next = waiting.shift();
        if (next === undefined) free.push(session);
        else next(session);
      }
    },
  };
}
