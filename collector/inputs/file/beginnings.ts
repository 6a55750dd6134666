import { sha256 } from './identity.ts';

/**
 * Turns in which files are found out. An archive may be a copy of what another file holds, and so is found out when no other is just being found out: else both
 * might be read.
 */
export interface Beginnings<File> {
  /** Undefined if an archive must wait; it is told by `ready`. @param read never rejects. */
  turn<T>(file: File, isArchive: boolean, read: () => Promise<T>): Promise<T | undefined>;
}

export function createBeginnings<File>(ready: (archive: File) => void): Beginnings<File> {
  let others = 0;
  const waiting = new Set<File>();
  return {
    turn: async (file, isArchive, read) => {
      if (isArchive) {
        if (others === 0) return read();
        waiting.add(file);
        return undefined;
      }
      others += 1;
      const turn = await read();
      others -= 1;
      if (others > 0) return turn;
      // Telling one may let another file begin, for which those after it wait anew.
      const told = [...waiting];
      waiting.clear();
      for (const archive of told) ready(archive);
      return turn;
    },
  };
}

/** Files that begin alike are found out one by one, and each is read in part before the next: only then can that be compared with it. */
export interface OneByOne {
  turn<T>(head: Buffer, work: () => Promise<T>): Promise<T>;
}

export function createOneByOne(): OneByOne {
  const last = new Map<string, Promise<unknown>>();
  return {
    turn: async (head, work) => {
      const key = sha256(head);
      // What became of the one before is its own matter.
      const turn = Promise.allSettled([last.get(key)]).then(work);
      last.set(key, turn);
      try {
        return await turn;
      } finally {
        if (last.get(key) === turn) last.delete(key);
      }
    },
  };
}
