/** Files that are open, at most so many: for one more, one that can be opened again is closed. */
export interface Slots<File> {
  /** Makes room for the file, or keeps the room that it has. False when there is none now: ask again later. */
  take(file: File): Promise<boolean>;
  /** The file is closed. */
  leave(file: File): void;
}

export interface SlotsDeps<File> {
  filesMax: number;
  /** Whether the file may be closed now: nobody reads it, and it can be found again. */
  readonly closable: (file: File) => boolean;
  readonly close: (file: File) => Promise<void>;
}

export function createSlots<File>({ filesMax, closable, close }: SlotsDeps<File>): Slots<File> {
  // The one that was used least recently is the first.
  const open = new Set<File>();
  return {
    take: async (file) => {
      if (open.delete(file) || open.size < filesMax) {
        open.add(file);
        return true;
      }
      for (const other of open) {
        if (!closable(other)) continue;
        // Both before the wait, so that nobody else takes the room.
        open.delete(other);
        open.add(file);
        await close(other);
        return true;
      }
      return false;
    },
    leave: (file) => {
      open.delete(file);
    },
  };
}
