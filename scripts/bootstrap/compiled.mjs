import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { isBuilt } from '../build.mjs';
import { runLogged } from './run.mjs';
import { StageError, stopwatch } from './stage.mjs';

const BUILD_MS_MAX = 5 * 60_000;

/** dist/ as the sources are now. */
export async function ensureCompiled({ root, cacheDir, env }, progress) {
  if (isBuilt(root)) return { detail: 'dist/ is up to date' };
  progress('compiling');
  const took = stopwatch();
  const logFile = join(cacheDir, 'bootstrap-compiled.log');
  rmSync(logFile, { force: true });
  const command = [process.execPath, join(root, 'scripts', 'build.mjs')];
  const { ok, tail } = await runLogged(command, { cwd: root, env, logFile, msMax: BUILD_MS_MAX });
  if (ok) return { detail: `dist/ in ${took()}` };
  throw new StageError('the sources do not compile: mend what is named below, then run this again', {
    logFile,
    tail,
  });
}
