import { which } from './run.mjs';

/** Debian's and Ubuntu's packages, as root or by sudo without a password. */

const SECONDS_MAX = 300;
const QUICK_MS_MAX = 15_000;

/** Whether there is an apt-get, and somebody who may run it. */
export function hasApt({ env, isRoot }) {
  return which('apt-get', env) !== undefined && (isRoot || which('sudo', env) !== undefined);
}

/**
 * Brings the lists of packages up to date.
 *
 * @param {{ run: (command: readonly string[], msMax: number) => Promise<{ ok: boolean, tail: string }>, env: NodeJS.ProcessEnv, isRoot: boolean }} machine
 * @returns `refused` is why nothing can be done; else `install` takes packages, and `asRoot` a command. Each resolves with `{ ok, tail }`
 */
export async function openApt({ run, env, isRoot }) {
  if (!isRoot) {
    const allowed = await run(['sudo', '-n', 'true'], QUICK_MS_MAX);
    if (!allowed.ok) return { refused: allowed };
  }
  // What sudo started cannot be ended by an ordinary user, so the time limit stands inside of it.
  const limit = which('timeout', env) === undefined ? [] : ['timeout', String(SECONDS_MAX)];
  const sudo = isRoot ? [] : ['sudo', '-n'];
  const asRoot = (command) =>
    run([...sudo, 'env', 'DEBIAN_FRONTEND=noninteractive', ...limit, ...command], (SECONDS_MAX + 15) * 1000);
  // Its failure says little: one source of many may be away. Whether the package can be had, the next command finds out.
  await asRoot(['apt-get', '-q', 'update']);
  const options = ['-q', '-y', '--no-install-recommends', '-o', 'DPkg::Lock::Timeout=120'];
  return { asRoot, install: (packages) => asRoot(['apt-get', ...options, 'install', ...packages]) };
}
