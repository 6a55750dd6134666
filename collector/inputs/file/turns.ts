import type { Batch } from './append.ts';

/**
 * Who reads next. Whoever asks gets one turn, a chunk, and goes to the end of the row, so that files come forward
 * together. A turn has two halves: the reading, one at a time per file, and the append, one at a time per file and in order; a file may
 * be read on while its last append is under way. Whatever is under way is at most `turnsMax` chunks, whether Redis is
 * fast, slow or away: that bounds the memory.
 */
export interface Turns<File> {
  /** Gives the file a turn, or another one if it has one. */
  ask(file: File): void;
  /** Whether it is being read. */
  reading(file: File): boolean;
  /** Whether it waits for a turn or has one. */
  busy(file: File): boolean;
  /** Resolves when the turns that were given have ended; no more are given. */
  stop(): Promise<void>;
}

export interface TurnsDeps<File> {
  turnsMax: number;
  bufferBytes: number;
  /** The first half. Nothing that it returns may look into the buffer. Never rejects. */
  read(file: File, buffer: Buffer): Promise<{ batch: Batch | undefined; more: boolean }>;
  /** The second half, called in order. Never rejects. */
  append(file: File, batch: Batch): Promise<void>;
  /** The file is not read any more, for now. */
  left(file: File): void;
  /** No turn is under way. */
  idle(): void;
}

export function createTurns<File>(deps: TurnsDeps<File>): Turns<File> {
  const row = new Set<File>();
  const readers = new Set<File>();
  /** Turns under way of a file. */
  const shares = new Map<File, number>();
  const buffers: Buffer[] = [];
  const underWay = new Set<Promise<void>>();
  let stopped = false;

  function next(): void {
    for (const file of row) {
      if (stopped || underWay.size >= deps.turnsMax) return;
      if (readers.has(file)) continue;
      row.delete(file);
      readers.add(file);
      shares.set(file, (shares.get(file) ?? 0) + 1);
      const turn = take(file).finally(() => {
        underWay.delete(turn);
        const left = (shares.get(file) ?? 1) - 1;
        if (left === 0) shares.delete(file);
        else shares.set(file, left);
        next();
        if (underWay.size === 0) deps.idle();
      });
      underWay.add(turn);
    }
  }

  async function take(file: File): Promise<void> {
    const buffer = buffers.pop() ?? Buffer.allocUnsafeSlow(deps.bufferBytes);
    const { batch, more } = await deps.read(file, buffer);
    buffers.push(buffer);
    readers.delete(file);
    deps.left(file);
    // Begun before another turn of the file can be, which keeps the order.
    const appended = batch === undefined ? undefined : deps.append(file, batch);
    if (more) row.add(file);
    next();
    await appended;
  }

  return {
    ask: (file) => {
      row.add(file);
      next();
    },
    reading: (file) => readers.has(file),
    busy: (file) => row.has(file) || shares.has(file),
    stop: async () => {
      stopped = true;
      row.clear();
      await Promise.all(underWay);
    },
  };
}
