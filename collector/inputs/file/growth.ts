import type { Clock } from '../../../common/clock.ts';

/** How much of a file was ever seen, and when that last became more. */
export interface Growth {
  /** So much is there. */
  reach(bytes: number): void;
  /** Whether it has not become more for so long. */
  hasRestedFor(ms: number): boolean;
}

export function createGrowth(clock: Clock): Growth {
  let reached = 0;
  let grewAt = clock.now();
  return {
    reach: (bytes) => {
      if (bytes <= reached) return;
      reached = bytes;
      grewAt = clock.now();
    },
    hasRestedFor: (ms) => clock.now() - grewAt >= ms,
  };
}
