import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { codeOf } from './failure.ts';

/** Files that were handed over, by the names that lane-file.ts gives them, and nothing else that people keep beside them. */
const HANDED_OVER = /^[a-z_]+-\d{4}-\d\d-\d\dT\d\d-p\d+-\d+-\d+\.ndjson(?:\.gz)?$/;

/** Removes files that were last written to before a time (ms since 1970). Several processes may do it at once. */
export async function removeOld(folder: string, before: number): Promise<void> {
  for (const name of await readdir(folder)) {
    if (!HANDED_OVER.test(name)) continue;
    const file = join(folder, name);
    try {
      const { mtimeMs } = await stat(file);
      if (mtimeMs < before) await rm(file, { force: true });
    } catch (error) {
      if (codeOf(error) !== 'ENOENT') throw error;
    }
  }
}
