import type { BigIntStats, lstat, stat } from 'node:fs';

/** Each waits for a thread of libuv's pool, of which there are four. */
const STATS_MAX = 64;

// Inode numbers of some file systems need all their 64 bits.
const EXACT = { bigint: true } as const;

/**
 * Looks at each of the paths, many at a time, and gives out what it found there, or the system's error. By callbacks: with a promise for each of
 * thousands of files, a scan would cost twice as much.
 */
export function statEach(
  paths: readonly string[],
  look: typeof lstat | typeof stat,
  take: (path: string, found: BigIntStats | Error) => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    let next = 0;
    let underWay = 0;
    const goOn = () => {
      const path = paths[next];
      if (path === undefined) {
        if (underWay === 0) resolve();
        return;
      }
      next += 1;
      underWay += 1;
      look(path, EXACT, (error, stats) => {
        underWay -= 1;
        try {
          take(path, error ?? stats);
        } catch (failure) {
          return reject(failure);
        }
        goOn();
      });
    };
    for (let i = 0; i < STATS_MAX; i += 1) goOn();
  });
}
