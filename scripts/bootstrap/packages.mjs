import { createHash } from 'node:crypto';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runLogged } from './run.mjs';
import { StageError, stopwatch } from './stage.mjs';

const INSTALL_MS_MAX = 15 * 60_000;
const LOAD_MS_MAX = 60_000;
/** Optional, so that images without them can be built and other machines set up; here they are wanted all the same. */
const WANTED = new Set(['node_modules/chdb', 'node_modules/ibmmq']);

/** node_modules as package-lock.json has it: by `npm ci`, unless they already agree. */
export async function ensurePackages({ root, cacheDir, env }, progress) {
  const stampFile = join(root, 'node_modules', '.tranweave-lock');
  const lockText = readFileSync(join(root, 'package-lock.json'), 'utf8');
  const stamp = stampOf(lockText);
  if (readOr(stampFile, '') === stamp) return { detail: 'node_modules is up to date' };

  const logFile = join(cacheDir, 'bootstrap-packages.log');
  rmSync(logFile, { force: true });
  const took = stopwatch();
  const known = readOr(join(root, 'node_modules', '.package-lock.json'), '');
  const there = known !== '' && agrees(JSON.parse(lockText), JSON.parse(known));
  if (!there) {
    progress('installing; the first time takes a minute or two');
    await install({ root, env, logFile });
  }
  await checkEngine({ root, env, logFile });
  writeFileSync(stampFile, stamp);
  return { detail: there ? 'node_modules is up to date' : `installed in ${took()}` };
}

/** Of the lock file, and of the kind of machine that binary packages were chosen for. */
export function stampOf(lockText) {
  const hash = createHash('sha256').update(lockText).digest('hex');
  return `${hash} ${process.platform}-${process.arch}\n`;
}

/**
 * Whether what npm says it installed (node_modules/.package-lock.json) is what the lock file wants, so that somebody's own
 * `npm ci` is not done again. Packages that may be left out are compared only if they are there.
 */
export function agrees(wanted, installed) {
  return Object.entries(wanted.packages)
    .filter(([path]) => path !== '')
    .every(([path, { version, integrity, optional, devOptional }]) => {
      const found = installed.packages[path];
      if (found === undefined) return optional === true && !WANTED.has(path) && devOptional !== true;
      return found.version === version && found.integrity === integrity;
    });
}

async function install({ root, env, logFile }) {
  // The kinds are named because NODE_ENV=production or somebody's npm settings would leave the compiler or the engine out.
  const args = ['ci', '--include=dev', '--include=optional', '--no-audit', '--no-fund', '--loglevel=error'];
  const { ok, tail } = await runLogged([...npmCommand(env), ...args], {
    cwd: root,
    // Nor shall ibmmq fetch IBM's client library; .npmrc says the same to an npm that somebody runs by hand, as long as npm reads it.
    env: { ...env, MQIJS_NOREDIST: '1' },
    logFile,
    msMax: INSTALL_MS_MAX,
  });
  if (ok) return;
  throw new StageError(
    '`npm ci` failed: see below why; most often the package registry cannot be reached (a proxy?). Then run this again',
    { logFile, tail },
  );
}

/** The npm that started this, or the one on PATH. */
function npmCommand(env) {
  const file = env.npm_execpath || '';
  return /npm-cli\.[cm]?js$/.test(file) && existsSync(file) ? [process.execPath, file] : ['npm'];
}

/** chdb is optional, so that images without it can be built; npm says nothing when it cannot be installed here. */
async function checkEngine({ root, env, logFile }) {
  const command = [process.execPath, '--input-type=module', '--eval', "await import('chdb')"];
  const { ok, tail } = await runLogged(command, { cwd: root, env, logFile, msMax: LOAD_MS_MAX });
  if (ok) return;
  throw new StageError(
    `the embedded ClickHouse (package chdb) does not work on this machine (${process.platform}-${process.arch}); it needs Linux with ` +
      'glibc, or macOS. Use docker-compose.yml instead, or set `url` of the ClickHouse sink to a server and `up.clickhouse: false` ' +
      'and run `npm run build && npx tranweave up`',
    { logFile, tail },
  );
}

function readOr(file, fallback) {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return fallback;
  }
}
