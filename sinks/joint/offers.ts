import type { Position } from '../../common/redis/loss.ts';
import type { StreamEntry } from '../../common/stream-entry.ts';
import type { BatchConfig } from '../config.ts';
import { sizeOf } from '../fill-batch.ts';
import type { Carried } from '../sink-worker.ts';
import type { BegunBatch } from '../store-batch.ts';

/** What becomes of what a stream offers. */
export type Offered =
  /** It goes by itself: nobody else had anything, or the store refuses something of what they had together. */
  | { kind: 'alone' }
  /** The claim ended before the store had it. */
  | { kind: 'ended' }
  /** The store has it; `committed` is to be called when it is committed. */
  | { kind: 'stored'; begun: BegunBatch; committed: () => void };

/** What a stream has gathered and not begun to store, until it is settled. */
export interface Offer {
  carried: Carried;
  position: Position;
  entries: StreamEntry[];
  settle: (offered: Offered) => void;
  fail: (error: unknown) => void;
}

/** What waits to be written, in the order it came. */
export interface Offers {
  add(offer: Offer): void;
  /** False if it has been taken. */
  remove(offer: Offer): boolean;
  /** Takes the first, whatever its size, and those after it that have room within the bounds. */
  take(batch: BatchConfig): Offer[];
}

export function createOffers(): Offers {
  const waiting: Offer[] = [];
  return {
    add: (offer) => void waiting.push(offer),
    remove: (offer) => {
      const at = waiting.indexOf(offer);
      if (at !== -1) waiting.splice(at, 1);
      return at !== -1;
    },
    take: (batch) => {
      let [rows, bytes, count] = [0, 0, 0];
      for (const { entries } of waiting) {
        const size = sizeOf(entries);
        rows += size.rows;
        bytes += size.bytes;
        if (count > 0 && (rows > batch.rows_max || bytes > batch.bytes_max)) break;
        count += 1;
      }
      return waiting.splice(0, count);
    },
  };
}

/** Does something for all of them at the same time, and returns those for which it could be done; the others fail. */
export async function forEachOffer(
  offers: readonly Offer[],
  work: (offer: Offer, index: number) => Promise<unknown>,
): Promise<Offer[]> {
  const results = await Promise.allSettled(offers.map(work));
  return offers.filter((offer, index) => {
    const result = results[index];
    if (result?.status === 'rejected') offer.fail(result.reason);
    return result?.status === 'fulfilled';
  });
}
