import { lstatSync } from 'node:fs';
import type { BigIntStats, lstat, stat } from 'node:fs';

/** So many are looked at before other things get their turn: about half a millisecond. */
const SLICE = 128;
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

/**
 * The same of names themselves on file systems of this machine, which answer at once: without a thread's help each costs a sixth. Others may take
 * their time, and the process would stand still meanwhile.
 */
export async function lstatEachLocal(
  paths: readonly string[],
  take: (path: string, found: BigIntStats | Error) => void,
): Promise<void> {
  for (const [index, path] of paths.entries()) {
    take(path, lstatOrError(path));
    if (index % SLICE === SLICE - 1) await new Promise(setImmediate);
  }
}

function lstatOrError(path: string): BigIntStats | Error {
  try {
    return lstatSync(path, EXACT);
  } catch (error) {
    if (error instanceof Error) return error;
    throw error;
  }
}
