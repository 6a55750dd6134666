import { execFileSync } from 'node:child_process';
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { hasApt, openApt } from './apt.mjs';
import { runLogged, which } from './run.mjs';
import { stopwatch } from './stage.mjs';

/**
 * The database servers that tests of sinks start for themselves. Only tests need them: where they cannot be had, their tests are skipped, and a line
 * says so. None is left running: of MariaDB only the program is installed, and PostgreSQL's package is told to make no cluster.
 */

const VERSION_MS_MAX = 30_000;
/** Where servers are that PATH does not name. */
const ROOTS = { postgres: '/usr/lib/postgresql', sbin: '/usr/sbin' };
const SERVERS = [
  {
    name: 'PostgreSQL',
    package: 'postgresql',
    find: (env, roots) => which('postgres', env) ?? newestOf(roots.postgres),
    install: async (apt) => {
      const common = await apt.install(['postgresql-common']);
      if (!common.ok) return common;
      const config = '/etc/postgresql-common/createcluster.conf';
      const told = await apt.asRoot(['pg_conftool', config, 'set', 'create_main_cluster', 'false']);
      return told.ok ? apt.install(['postgresql']) : told;
    },
  },
  {
    name: 'MariaDB',
    package: 'mariadb-server-core',
    find: (env, roots) => which('mariadbd', env) ?? which('mariadbd', { PATH: roots.sbin }),
    install: (apt) => apt.install(['mariadb-server-core']),
  },
];

/**
 * @param {{ cacheDir: string, env: NodeJS.ProcessEnv, isRoot?: boolean, roots?: typeof ROOTS }} context
 * @returns {Promise<{ detail: string, warning?: boolean }>} never fails for want of a server
 */
export async function ensureTestDatabases(context, progress) {
  const { cacheDir, env, isRoot = process.getuid?.() === 0, roots = ROOTS } = context;
  const versions = () =>
    SERVERS.map((server) => ({ ...server, version: versionOf(server.find(env, roots), env) }));
  const missing = versions().filter(({ version }) => version === undefined);
  if (missing.length === 0) return { detail: describe(versions()) };

  const logFile = join(cacheDir, 'bootstrap-test-databases.log');
  rmSync(logFile, { force: true });
  const took = stopwatch();
  const canInstall = hasApt({ env, isRoot });
  const run = (command, msMax) => runLogged(command, { env, logFile, msMax });
  if (canInstall) {
    const apt = await openApt({ run, env, isRoot });
    for (const { name, install } of apt.refused === undefined ? missing : []) {
      progress(`installing ${name}`);
      await install(apt);
    }
  }
  const now = versions();
  const lacking = now.filter(({ version }) => version === undefined);
  if (lacking.length === 0) return { detail: `${describe(now)}, installed in ${took()}` };
  const names = lacking.map(({ name }) => name).join(' and ');
  const packages = lacking.map((server) => server.package).join(' ');
  return {
    detail: `${names} ${lacking.length === 1 ? 'is' : 'are'} not here and cannot be installed${canInstall ? ` (why is in ${logFile})` : ''}: TESTS OF THEIR SINKS ARE SKIPPED (Debian, Ubuntu: \`sudo apt-get install ${packages}\`)`,
    warning: true,
  };
}

function describe(servers) {
  return servers.map(({ name, version }) => `${name} ${version}`).join(', ');
}

/** Debian keeps each version's programs in a folder of its own, away from PATH. */
function newestOf(root) {
  let versions;
  try {
    versions = readdirSync(root).sort((a, b) => Number(b) - Number(a));
  } catch {
    return undefined;
  }
  return versions
    .map((version) => which('postgres', { PATH: join(root, version, 'bin') }))
    .find((file) => file !== undefined);
}

/** `15.18` of `postgres (PostgreSQL) 15.18 (Debian …)`, `10.11.19` of `mariadbd  Ver 10.11.19-MariaDB …`; undefined if it does not run. */
function versionOf(file, env) {
  if (file === undefined) return undefined;
  try {
    const output = execFileSync(file, ['--version'], {
      encoding: 'utf8',
      env,
      timeout: VERSION_MS_MAX,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return /\d+(?:\.\d+)+/.exec(output)?.[0];
  } catch {
    return undefined;
  }
}
