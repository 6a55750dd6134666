import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { FatalError } from '../../common/errors.ts';
import { makeFolder } from '../make-folder.ts';

/** A data folder serves one `up` at a time: two would end each other's Redis. */

/** Takes the folder, making it if need be; returns what gives it back. Throws a FatalError when another `up` has it, or it cannot be had. */
export function takeDataDir(dataDir: string): () => void {
  makeFolder(join(dataDir, 'logs'));
  const file = join(dataDir, 'up.pid');
  try {
    writeFileSync(file, String(process.pid), { flag: 'wx' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST')
      throw new FatalError(`${file} cannot be written`, { cause: error });
    const pid = Number(readFileSync(file, 'utf8'));
    if (pid !== process.pid && argumentsOf(pid).includes('cli.js')) {
      throw new FatalError(
        `another \`tranweave up\` (process ${pid}) uses ${dataDir}; stop it, or name another folder with --data-dir`,
      );
    }
    // It was killed and could not clean up.
    writeFileSync(file, String(process.pid));
  }
  return () => rmSync(file, { force: true });
}

/** The command line of a process, '' if there is none of that number: it may have gone to another program since. */
export function argumentsOf(pid: number): string {
  if (!Number.isSafeInteger(pid) || pid <= 1) return '';
  try {
    return existsSync('/proc/self/cmdline')
      ? readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')
      : execFileSync('ps', ['-o', 'args=', '-p', String(pid)], { encoding: 'utf8' });
  } catch {
    return '';
  }
}
