import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { delimiter, dirname, join, resolve } from 'node:path';
import { ways } from './redis-install.mjs';
import { which } from './run.mjs';
import { StageError, stopwatch } from './stage.mjs';

/** A redis-server on PATH that is new enough; installed if there is none. */

const MAJOR_MIN = 7;
const VERSION_MS_MAX = 30_000;

/**
 * @param {{ cacheDir: string, env: NodeJS.ProcessEnv, isRoot?: boolean }} context
 * @returns {Promise<{ detail: string, env: NodeJS.ProcessEnv }>} an environment in which `redis-server` is the one that was found
 */
export async function ensureRedis({ cacheDir, env, isRoot = process.getuid?.() === 0 }, progress) {
  const binDir = join(cacheDir, 'bin');
  const found = findRedis(env, binDir);
  if (found.env !== undefined) return { detail: `${found.version} at ${found.file}`, env: found.env };

  const logFile = join(cacheDir, 'bootstrap-redis.log');
  rmSync(logFile, { force: true });
  const tried = [];
  let tail = '';
  for (const way of ways({ env, isRoot, binDir, logFile })) {
    const took = stopwatch();
    progress(`installing by ${way.name}`);
    const result = await way.install();
    const now = findRedis(env, binDir);
    if (now.env !== undefined) {
      return { detail: `${now.version} at ${now.file}, installed by ${way.name} in ${took()}`, env: now.env };
    }
    tried.push(
      result.ok && now.version !== undefined ? `${way.name}, which has only ${now.version}` : way.name,
    );
    tail = result.tail;
  }
  throw new StageError(sentence(found, tried), tried.length > 0 ? { logFile, tail } : {});
}

function sentence(found, tried) {
  const what = found.version
    ? `redis-server ${found.version} at ${found.file} is too old`
    : 'there is no redis-server here';
  const tries =
    tried.length > 0
      ? `, and installing one failed (tried: ${tried.join(', ')})`
      : ', and no way to install one';
  return `${what}${tries}. Install Redis ${MAJOR_MIN} or newer (Debian, Ubuntu: \`sudo apt-get install redis-server\`; macOS: \`brew install redis\`), then run this again`;
}

/**
 * REDIS_SERVER, the redis-server or valkey-server on PATH (Valkey does as well), or what an earlier set-up left in .cache/bin. One
 * that PATH does not give under the name redis-server gets a link of that name, put before the rest of PATH.
 */
function findRedis(env, binDir) {
  const onPath = which('redis-server', env);
  const own = join(binDir, 'redis-server');
  let old = {};
  for (const file of [env.REDIS_SERVER, onPath, which('valkey-server', env), own]) {
    const version = file === undefined ? undefined : versionOf(file, env);
    if (version === undefined) continue;
    if (Number.parseInt(version, 10) < MAJOR_MIN) {
      old = { version, file };
      continue;
    }
    if (file === onPath) return { version, file, env };
    if (file !== own) link(file, own);
    return { version, file, env: { ...env, PATH: `${binDir}${delimiter}${env.PATH || ''}` } };
  }
  return old;
}

function link(file, at) {
  mkdirSync(dirname(at), { recursive: true });
  rmSync(at, { force: true });
  symlinkSync(resolve(file), at);
}

/** `7.0.15` of `Redis server v=7.0.15 sha=…`; undefined if it does not run. */
function versionOf(file, env) {
  try {
    const output = execFileSync(file, ['--version'], {
      encoding: 'utf8',
      env,
      timeout: VERSION_MS_MAX,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const match = /v=(\d+\.\d+\.\d+)/.exec(output);
    return match === null ? undefined : match[1];
  } catch {
    return undefined;
  }
}
