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
