import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';

/** Machines with and without a redis-server, made of a PATH whose commands are small scripts. */

const run = promisify(execFile);
type Found = { detail: string; env: { PATH: string } };
const { ensureRedis } = (await import(new URL('./redis-server.mjs', import.meta.url).href)) as {
  ensureRedis: (context: object, progress: (detail: string) => void) => Promise<Found>;
};

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'tranweave-bootstrap-'));
});
afterEach(async () => {
  await rm(dir, { recursive: true, force: true });
});

async function write(file: string, text: string, mode = 0o644): Promise<string> {
  const path = join(dir, file);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text);
  await chmod(path, mode);
  return path;
}

const command = (name: string, script: string) => write(`path/${name}`, `#!/bin/sh\n${script}\n`, 0o755);
const redisSays = (version: string) => `echo 'Redis server v=${version} sha=00000000:0'`;

/** Gives the fake machine some of the real one's commands. */
async function linkCommands(...names: string[]): Promise<void> {
  for (const name of names) {
    const { stdout } = await run('sh', ['-c', `command -v ${name}`]);
    await command(name, `exec ${stdout.trim()} "$@"`);
  }
}

async function ensure(more: object = {}): Promise<Found> {
  // Nothing of this machine's can be found, or installed.
  const env = { PATH: join(dir, 'path') };
  await mkdir(env.PATH, { recursive: true });
  return ensureRedis({ cacheDir: join(dir, 'cache'), env, isRoot: true, ...more }, () => undefined);
}

test('one on PATH is taken as it is', async () => {
  const file = await command('redis-server', redisSays('7.0.15'));
  const { detail, env } = await ensure();
  expect(detail).toBe(`7.0.15 at ${file}`);
  expect(env.PATH).toBe(join(dir, 'path'));
});

test('none, and no way to install one: a sentence that says what to install', async () => {
  await expect(ensure()).rejects.toThrow(
    'there is no redis-server here, and no way to install one. Install Redis 7 or newer (Debian, Ubuntu: `sudo apt-get install redis-server`; macOS: `brew install redis`), then run this again',
  );
});

test('one that is too old is named', async () => {
  await command('redis-server', redisSays('6.0.16'));
  await expect(ensure()).rejects.toThrow(
    /^redis-server 6\.0\.16 at .* is too old, and no way to install one/,
  );
});

test('root installs one by apt-get, after an update that may fail', async () => {
  const log = join(dir, 'apt.log');
  await linkCommands('env', 'cp', 'chmod');
  await write('fake-redis', `#!/bin/sh\n${redisSays('7.0.15')}\n`);
  await command(
    'apt-get',
    `echo "$DEBIAN_FRONTEND $*" >> ${log}
     case "$*" in *update*) exit 100;; esac
     cp ${join(dir, 'fake-redis')} ${join(dir, 'path/redis-server')}; chmod +x ${join(dir, 'path/redis-server')}`,
  );
  expect((await ensure()).detail).toMatch(/^7\.0\.15 at .*\/path\/redis-server, installed by apt-get in /);
  const calls = (await readFile(log, 'utf8')).trim().split('\n');
  expect(calls[0]).toBe('noninteractive -q update');
  expect(calls[1]).toMatch(/^noninteractive -q -y .*install redis-server$/);
});

test('an apt-get that fails is told of with its last words, which are kept whole in a file', async () => {
  await linkCommands('env');
  await command('apt-get', 'echo "E: Unable to locate package redis-server" >&2; exit 100');
  const error = (await ensure().catch((reason: unknown) => reason)) as Error & {
    tail: string;
    logFile: string;
  };
  expect(error.message).toContain('installing one failed (tried: apt-get)');
  expect(error.tail).toContain('Unable to locate package');
  expect(await readFile(error.logFile, 'utf8')).toContain('install redis-server');
});

test('who is not root and may not sudo without a password does not get as far as apt-get', async () => {
  await command('sudo', 'echo "sudo: a password is required" >&2; exit 1');
  await command('apt-get', `touch ${join(dir, 'called')}`);
  await expect(ensure({ isRoot: false })).rejects.toMatchObject({ tail: 'sudo: a password is required' });
  await expect(readFile(join(dir, 'called'))).rejects.toThrow('ENOENT');
});

test("Valkey's server does as well, under Redis' name", async () => {
  await command('valkey-server', "echo 'Valkey server v=8.0.1 sha=0'");
  const { env } = await ensure();
  const { stdout } = await run('redis-server', ['--version'], { env });
  expect(stdout).toContain('v=8.0.1');
});

test('a container stands in, with the folder of its config mounted', async () => {
  await linkCommands('dirname');
  await command('docker', `case "$1" in run) echo "Redis server v=7.2.0 args: $*";; esac`);
  const { detail, env } = await ensure();
  expect(detail).toMatch(/^7\.2\.0 at .*\/cache\/bin\/redis-server, installed by docker in /);
  const config = await write('data/redis.conf', '');
  const { stdout } = await run('redis-server', [config], { env });
  expect(stdout).toContain('run --rm --network host');
  expect(stdout).toContain(`--volume ${dirname(config)}:${dirname(config)} redis:7 ${config}`);
});
