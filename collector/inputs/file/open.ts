import type { FileHandle } from 'node:fs/promises';
import { ArchiveContent, isArchive } from './archive.ts';
import { plainContent } from './content.ts';
import type { Content } from './content.ts';
import { isSystemError } from './problems.ts';
import { isFile } from './reading.ts';

/** What is opened: the file of a key (discovery.ts), by its path. */
interface Named {
  readonly path: string;
  readonly key: string;
}

/** Undefined if the path leads to another file by now. Throws the system's errors. */
export async function openContent(
  { path, key }: Named,
  open: (path: string) => Promise<FileHandle>,
): Promise<Content | undefined> {
  const handle = await open(path);
  if (await isFile(handle, key)) return isArchive(path) ? new ArchiveContent(handle) : plainContent(handle);
  await handle.close();
  return undefined;
}

/** Lends a file's content for a look into it: as it is open, or opened for that. Undefined if that cannot be. */
export async function peekInto<T>(
  file: Named,
  content: Content | undefined,
  open: (path: string) => Promise<FileHandle>,
  look: (content: Content) => Promise<T>,
): Promise<T | undefined> {
  const isShared = content?.isPacked === false;
  try {
    const lent = isShared ? content : await openContent(file, open);
    if (lent === undefined) return undefined;
    try {
      return await look(lent);
    } finally {
      if (!isShared) await lent.close();
    }
  } catch (error) {
    // It cannot be opened, or was closed meanwhile.
    if (!isSystemError(error)) throw error;
    return undefined;
  }
}
