import { delimiter, join } from 'node:path';
import { buildFerret, isCurrent } from './ferretdb-build.mjs';
import { which } from './run.mjs';
import { stopwatch } from './stage.mjs';

/**
 * A server for the tests of the MongoDB sink: the one at MONGODB_URL, `mongod` or `ferretdb` on PATH, or FerretDB built by a Go toolchain. Where
 * there is none of these, those tests are skipped, and this stage says so: Tranweave itself needs no MongoDB.
 *
 * @param {{ cacheDir: string, env: NodeJS.ProcessEnv, goDir?: string }} context `goDir`: where Go is if PATH does not say
 * @returns {Promise<{ detail: string, warning?: boolean, env: NodeJS.ProcessEnv }>} an environment in which common/testing/mongodb.ts finds it
 */
export async function ensureMongo({ cacheDir, env, goDir = '/usr/local/go/bin' }, progress) {
  if (env.MONGODB_URL) return { detail: 'the server at MONGODB_URL', env };
  const binDir = join(cacheDir, 'bin');
  const withBin = { ...env, PATH: `${env.PATH || ''}${delimiter}${binDir}` };
  const found = which('mongod', withBin) || which('ferretdb', withBin);
  if (found !== undefined && (found !== join(binDir, 'ferretdb') || isCurrent(found)))
    return { detail: found, env: withBin };
  const go = which('go', env) || which('go', { PATH: goDir });
  if (go === undefined) return none('there is no MongoDB here and no Go to build FerretDB with', env);
  progress('building FerretDB; the first time takes some minutes');
  const took = stopwatch();
  const logFile = join(cacheDir, 'bootstrap-ferretdb.log');
  const built = await buildFerret({ go, cacheDir, env, logFile });
  if (built === undefined) return none(`FerretDB could not be built (${logFile})`, env);
  return { detail: `FerretDB at ${built}, built in ${took()}`, env: withBin };
}

function none(why, env) {
  return {
    warning: true,
    detail: `TESTS OF MONGODB ARE SKIPPED: ${why}. Set MONGODB_URL, or install mongod, ferretdb or Go`,
    env,
  };
}
