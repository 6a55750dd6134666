import { rmSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { FatalError } from '../../common/errors.ts';
import { makeFolder } from '../make-folder.ts';
import { clickHouseError } from './clickhouse-error.ts';
import { RequestError } from './request.ts';

/**
 * Rows of inserts, as files that the engine reads. Rows that follow their statement are part of its text for the engine's client, which goes
 * through all of it, token by token, before the first row is read: half of an insert's CPU (docs/performance.md). A file is
 * not looked at before it is read, and its format may be of bytes.
 */
export interface RowFiles {
  /** Works with the path of a file that has the rows, and is gone afterwards. Throws a RequestError if it cannot be written. */
  use<T>(rows: Buffer, work: (path: string) => Promise<T>): Promise<T>;
}

/** In a path the engine takes these for patterns, or for a file within an archive; where nothing fits, it reads nothing and says nothing. */
const PATTERN = /[*?{}]|::/;

/**
 * The folder of the files, within that of the engine: the disk takes the rows in any case, and most files are gone before the system writes them to
 * it. Throws a FatalError when the engine would take the folder's name for a pattern.
 */
export function rowFolderOf(dataDir: string): string {
  const folder = resolve(dataDir, 'inserts');
  if (!PATTERN.test(folder)) return folder;
  throw new FatalError(
    `the folder ${dataDir} cannot be ClickHouse's: no name in its path may have * ? { } or ::`,
  );
}

/** Only of an engine that is open: files that lie in its folder are taken for those of a process that was killed. */
export function createRowFiles(folder: string): RowFiles {
  rmSync(folder, { recursive: true, force: true });
  makeFolder(folder);
  let made = 0;
  return {
    use: async (rows, work) => {
      made += 1;
      const path = join(folder, String(made));
      try {
        await write(path, rows);
        return await work(path);
      } finally {
        await rm(path, { force: true });
      }
    },
  };
}

async function write(path: string, rows: Buffer): Promise<void> {
  try {
    await writeFile(path, rows, { flag: 'wx', mode: 0o600 });
  } catch (error) {
    throw new RequestError(
      clickHouseError(243, 'NOT_ENOUGH_SPACE', `Rows cannot be written to ${path}: ${String(error)}`),
    );
  }
}
