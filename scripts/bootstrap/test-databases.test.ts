import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';

/** Machines with and without database servers, made of a PATH whose commands are small scripts. */

const run = promisify(execFile);
const { ensureTestDatabases } = (await import(new URL('./test-databases.mjs', import.meta.url).href)) as {
  ensureTestDatabases: (
    context: object,
    progress: (detail: string) => void,
  ) => Promise<{ detail: string; warning?: boolean }>;
};

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'tranweave-bootstrap-'));
});
afterEach(async () => {
  await rm(dir, { recursive: true, force: true });
});

async function command(file: string, script: string): Promise<void> {
  const path = join(dir, file);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, `#!/bin/sh\n${script}\n`);
  await chmod(path, 0o755);
}

/** Gives the fake machine some of the real one's commands. */
async function linkCommands(...names: string[]): Promise<void> {
  for (const name of names) {
    const { stdout } = await run('sh', ['-c', `command -v ${name}`]);
    await command(`path/${name}`, `exec ${stdout.trim()} "$@"`);
  }
}

const POSTGRES = "echo 'postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)'";
const MARIADB = "echo 'mariadbd  Ver 10.11.19-MariaDB-0+deb12u1 for debian-linux-gnu on x86_64 (Debian 12)'";

function ensure(more: object = {}) {
  const env = { PATH: join(dir, 'path') };
  const context = {
    cacheDir: join(dir, 'cache'),
    env,
    isRoot: true,
    roots: { postgres: join(dir, 'postgresql'), sbin: join(dir, 'sbin') },
  };
  return ensureTestDatabases({ ...context, ...more }, () => undefined);
}

test('those that are there are taken as they are, also where Debian puts them', async () => {
  await command('postgresql/15/bin/postgres', POSTGRES);
  await command('postgresql/9/bin/postgres', "echo 'postgres (PostgreSQL) 9.6'");
  await command('sbin/mariadbd', MARIADB);
  expect(await ensure()).toEqual({ detail: 'PostgreSQL 15.18, MariaDB 10.11.19' });
});

test('none, and no way to install any: a line that cannot be overlooked, and no failure', async () => {
  const { detail, warning } = await ensure();
  expect(warning).toBe(true);
  expect(detail).toBe(
    'PostgreSQL and MariaDB are not here and cannot be installed: TESTS OF THEIR SINKS ARE SKIPPED (Debian, Ubuntu: `sudo apt-get install postgresql mariadb-server-core`)',
  );
});

test('root installs what is missing by apt-get, and no cluster of PostgreSQL is made', async () => {
  const log = join(dir, 'log');
  await linkCommands('env', 'mkdir', 'chmod');
  await command('path/pg_conftool', `echo "pg_conftool $*" >> ${log}`);
  await command(
    'path/apt-get',
    `echo "apt-get $*" >> ${log}
     case "$*" in
       *install*' postgresql') echo '#!/bin/sh\n${POSTGRES.replaceAll("'", '"')}' > ${join(dir, 'path/postgres')}; chmod +x ${join(dir, 'path/postgres')};;
       *install*mariadb*) echo '#!/bin/sh\n${MARIADB.replaceAll("'", '"')}' > ${join(dir, 'path/mariadbd')}; chmod +x ${join(dir, 'path/mariadbd')};;
     esac`,
  );
  expect((await ensure()).detail).toMatch(/^PostgreSQL 15\.18, MariaDB 10\.11\.19, installed in /);
  const calls = (await readFile(log, 'utf8')).trim().split('\n');
  expect(calls.map((call) => call.replace(/-q .*install/, 'install'))).toEqual([
    'apt-get -q update',
    'apt-get install postgresql-common',
    'pg_conftool /etc/postgresql-common/createcluster.conf set create_main_cluster false',
    'apt-get install postgresql',
    'apt-get install mariadb-server-core',
  ]);
});

test('who may not install is told what to install', async () => {
  await command('postgresql/15/bin/postgres', POSTGRES);
  await command('path/sudo', 'exit 1');
  await command('path/apt-get', `touch ${join(dir, 'called')}`);
  const { detail, warning } = await ensure({ isRoot: false });
  expect([warning, detail]).toEqual([
    true,
    expect.stringContaining('`sudo apt-get install mariadb-server-core`'),
  ]);
  await expect(readFile(join(dir, 'called'))).rejects.toThrow('ENOENT');
});
