import type { StreamKind } from '../../common/redis/keys.ts';
import type { Position } from '../../common/redis/loss.ts';
import type { StreamEntry } from '../../common/stream-entry.ts';
import type { Carried } from '../sink-worker.ts';
import { carryTogether } from './batch.ts';
import { createOffers } from './offers.ts';
import type { Offer, Offered, Offers } from './offers.ts';
import { createRepeats } from './repeat.ts';
import type { Repeats } from './repeat.ts';
import type { JointDeps } from './write.ts';

/**
 * Lets the partitions that a process carries to a store write together: what each has gathered goes as one joint batch, under one token, so that
 * however many partitions there are, the store gets about as many batches as of one. Each moves its group by itself, and keeps a manifest of its own.
 *
 *   offer → (a turn to write) → each writes down its bounds → decide that it goes → write it → each commits
 *
 * What makes it exactly once, whichever process has which of the partitions by then: record.ts.
 */
export interface Joining extends Repeats {
  /** When what is gathered from now on is to be offered: at the same time by all streams of a kind. */
  departure(kind: StreamKind, now: number, delayMs: number): number;
  /** Offers what a stream has gathered; it is filled up when it is its turn. Throws what the stream's own commands throw. */
  offer(carried: Carried, position: Position, entries: StreamEntry[]): Promise<Offered>;
}

/** Kinds go one after the other, as far as they can. */
const OFFSET_OF: Readonly<Record<StreamKind, number>> = { log: 0, summary: 1 / 3, dead_letter: 2 / 3 };

/** What was gathered until the same moment is offered within so long. */
const WAIT_MS = 30;

/**
 * @param phase of the time between two departures, from 0 to 1: processes that share a store should not all write to it at the same moment. By chance
 *   if not given.
 */
export function createJoining(deps: JointDeps, phase = Math.random()): Joining {
  const offersOf: Readonly<Record<StreamKind, Offers>> = {
    log: createOffers(),
    summary: createOffers(),
    dead_letter: createOffers(),
  };

  /** There is a turn for each offer, so none is left behind, whichever turn takes it. */
  async function takeTurn(kind: StreamKind): Promise<void> {
    await deps.clock.sleep(WAIT_MS);
    await carryTogether(deps, (batch) => offersOf[kind].take(batch));
  }

  return {
    ...createRepeats(deps),
    departure: (kind, now, delayMs) => {
      const shift = ((phase + OFFSET_OF[kind]) % 1) * delayMs;
      return (Math.floor((now - shift) / delayMs) + 1) * delayMs + shift;
    },
    offer: async (carried, position, entries) => {
      const offers = offersOf[carried.kind];
      const { deps: own, signal } = carried;
      own.onIdle();
      let onAbort: () => void = () => undefined;
      try {
        return await new Promise<Offered>((settle, fail) => {
          const offer: Offer = { carried, position, entries, settle, fail };
          onAbort = () => {
            if (offers.remove(offer)) settle({ kind: 'ended' });
          };
          offers.add(offer);
          signal.addEventListener('abort', onAbort, { once: true });
          if (signal.aborted) onAbort();
          takeTurn(carried.kind).catch(fail);
        });
      } finally {
        signal.removeEventListener('abort', onAbort);
        own.onProgress();
      }
    },
  };
}
