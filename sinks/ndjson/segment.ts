import { mkdir, open, readFile, rename } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { codeOf } from './failure.ts';

/**
 * A file while it grows, in a folder of its own:
 *
 *   data.ndjson[.gz]   batches one after the other; what is behind the last one that the journal names is not there
 *   journal            one line for each batch, written once its data is on the disk
 *
 * A batch is there when its line is: whoever was killed in between leaves a torn end, which the next one cuts off. The journal stays
 * when the data is handed over, so that the last batch is known for as long as nothing came after it.
 */
export interface SegmentState {
  /** Of the last batch that is there; undefined if there was none yet. */
  token: string | undefined;
  /** Where the data ends; 0 if there is none. */
  end: number;
  /** When the data was begun, `2026-01-31T09`. */
  hour: string;
  gzip: boolean;
}

export interface Segment {
  state: Readonly<SegmentState>;
  /** Stores a batch for good: when it resolves, data and journal are on the disk. After a failure it may be called again. */
  append(token: string, bytes: Buffer): Promise<void>;
  /** Cuts off what a failed attempt left: only then may others read it. */
  seal(): Promise<void>;
  close(): Promise<void>;
}

export const dataName = (gzip: boolean) => (gzip ? 'data.ndjson.gz' : 'data.ndjson');
export const JOURNAL = 'journal';

/** Opens the file that a folder holds, or begins one in it, behind what `state` says that there is. */
export async function openSegment(folder: string, state: SegmentState): Promise<Segment> {
  const data = await openFor(join(folder, dataName(state.gzip)));
  let journal: FileHandle | undefined;
  let current = state;
  let journalEnd = 0;
  // What a failed attempt, or somebody who was killed, left behind the end.
  let isDirty = true;

  /** Cuts off what is not there, and begins the journal anew, so that it stays short and has no torn end. */
  async function clean(): Promise<FileHandle> {
    await data.truncate(current.end);
    await journal?.close();
    journal = undefined;
    const line = lineOf(current);
    journal = await writeJournal(folder, line);
    journalEnd = line.length;
    isDirty = false;
    return journal;
  }

  return {
    get state() {
      return current;
    },
    append: async (token, bytes) => {
      const file = isDirty || journal === undefined ? await clean() : journal;
      const next = { ...current, token, end: current.end + bytes.length };
      const line = lineOf(next);
      isDirty = true;
      await writeAt(data, bytes, current.end);
      await data.datasync();
      await writeAt(file, line, journalEnd);
      await file.datasync();
      current = next;
      journalEnd += line.length;
      isDirty = false;
    },
    seal: async () => {
      if (!isDirty) return;
      // The journal as well: a line of a batch that is not there would make it look stored, once the data is handed over.
      await clean();
      await data.sync();
    },
    close: async () => {
      await Promise.all([data.close(), journal?.close()]);
    },
  };
}

/** In place of the one that was there, if any, at one stroke: without a journal nothing would be there. */
export async function writeJournal(folder: string, line: Buffer): Promise<FileHandle> {
  const part = join(folder, `${JOURNAL}.new`);
  const file = await open(part, 'w');
  try {
    await writeAt(file, line, 0);
    await file.datasync();
    await rename(part, join(folder, JOURNAL));
    await syncFolder(folder);
    return file;
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** For reading and writing at places, made if it is not there. Throws ENOENT when the folder is gone. */
async function openFor(file: string): Promise<FileHandle> {
  try {
    return await open(file, 'r+');
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
    return open(file, 'wx+');
  }
}

export async function writeAt(file: FileHandle, bytes: Buffer, position: number): Promise<void> {
  for (let at = 0; at < bytes.length;) {
    const { bytesWritten } = await file.write(bytes, at, bytes.length - at, position + at);
    at += bytesWritten;
  }
}

export function lineOf(state: SegmentState): Buffer {
  return Buffer.from(`${JSON.stringify(state)}\n`);
}

/** What a folder's journal says, from first to last; nothing without one. A last line that was torn is none. */
export async function readJournal(folder: string): Promise<SegmentState[]> {
  let text: string;
  try {
    text = await readFile(join(folder, JOURNAL), 'utf8');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return [];
    throw error;
  }
  return text
    .slice(0, text.lastIndexOf('\n') + 1)
    .split('\n')
    .flatMap((line) => stateOf(line) ?? []);
}

function stateOf(line: string): SegmentState | undefined {
  try {
    return JSON.parse(line) as SegmentState;
  } catch (error) {
    // A machine that lost its power may leave anything where the last line was being written.
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/**
 * Moves the data to where readers look; from then on it does not change any more. It lasts once both folders are synced. Throws ENOENT when the folder was
 * taken away.
 */
export async function moveData(folder: string, { gzip }: SegmentState, target: string): Promise<void> {
  await rename(join(folder, dataName(gzip)), target);
}

/** Makes what was created or renamed in a folder last. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } catch (error) {
    // Some network mounts cannot, and keep names at once.
    const code = codeOf(error);
    if (code !== 'EINVAL' && code !== 'ENOTSUP') throw error;
  } finally {
    await handle.close();
  }
}

/** A folder, for good. Its parent must be there: below a mount that is gone nothing is made. */
export async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder);
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return;
    throw error;
  }
  await syncFolder(dirname(folder));
}
