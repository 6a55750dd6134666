import type { SinkWorkerDeps } from '../sink-worker.ts';
import type { Writer } from '../until-taken.ts';
import type { Offer, Offered } from './offers.ts';
import type { JointDeps } from './write.ts';

/** Those whose batches are written together: what happens to the writing happens to each of them, and each may leave when its claim ends. */
export interface Party {
  writer: Writer;
  /** Once. @returns what joined. */
  join(offers: readonly Offer[]): readonly Offer[];
  /** Nobody leaves during an attempt: it may be stored by then. */
  attempt<T>(work: () => Promise<T>): Promise<T>;
  /** @param seconds that the store took. */
  readonly observe: (seconds: number) => void;
  /** Those that left before, or failed, stay so. */
  settle(offered: Offered): void;
  fail(error: unknown): void;
  /** Nothing of it is left at its claims. */
  end(): void;
}

export function createParty({ slots, pace, clock, logger }: JointDeps): Party {
  const over = new AbortController();
  let offers: readonly Offer[] = [];
  let attempting = false;

  const each = (act: (deps: SinkWorkerDeps) => void) => {
    for (const { carried } of offers) act(carried.deps);
  };
  const letGo = () => {
    if (attempting) return;
    const gone = offers.filter(({ carried }) => carried.signal.aborted);
    for (const { settle } of gone) settle({ kind: 'ended' });
    if (gone.length === offers.length && gone.length > 0) over.abort();
  };
  const writer: Writer = {
    slots,
    pace,
    clock,
    logger,
    signal: over.signal,
    streams: () => streamsOf(offers),
    onIdle: () => each((deps) => deps.onIdle()),
    onProgress: () => each((deps) => deps.onProgress()),
    onRetry: () => {
      const [first] = offers;
      first?.carried.deps.metrics.retries.inc(first.carried.labels);
    },
    onTrouble: (words) => each((deps) => deps.onTrouble(words)),
  };
  return {
    writer,
    join: (taken) => {
      offers = taken;
      for (const { carried } of offers) carried.signal.addEventListener('abort', letGo);
      // The attempt has begun when they join, and one that hangs must show with each of them.
      writer.onProgress();
      return offers;
    },
    attempt: async (work) => {
      attempting = true;
      try {
        return await work();
      } catch (error) {
        attempting = false;
        letGo();
        throw error;
      }
    },
    observe: (seconds) => {
      const [first] = offers;
      first?.carried.deps.metrics.writeSeconds.observe(first.carried.labels, seconds);
    },
    settle: (offered) => {
      for (const { settle } of offers) settle(offered);
    },
    fail: (error) => {
      for (const { fail } of offers) fail(error);
    },
    end: () => {
      for (const { carried } of offers) carried.signal.removeEventListener('abort', letGo);
    },
  };
}

function streamsOf([first, ...others]: readonly Offer[]): string {
  const name = first?.carried.stream ?? '';
  return others.length === 0 ? name : `${name} and ${others.length} more`;
}
