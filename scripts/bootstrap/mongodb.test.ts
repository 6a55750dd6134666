import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';

/** Machines with and without a MongoDB, made of a PATH whose commands are small scripts; building FerretDB is what `npm test` itself begins with. */

type Found = { detail: string; warning?: boolean; env: { PATH: string } };
const { ensureMongo } = (await import(new URL('./mongodb.mjs', import.meta.url).href)) as {
  ensureMongo: (context: object, progress: (detail: string) => void) => Promise<Found>;
};

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'tranweave-bootstrap-'));
  await mkdir(join(dir, 'path'));
});
afterEach(async () => {
  await rm(dir, { recursive: true, force: true });
});

async function command(file: string, script = ''): Promise<string> {
  const path = join(dir, file);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, `#!/bin/sh\n${script}\n`);
  await chmod(path, 0o755);
  return path;
}

const ensure = (more: NodeJS.ProcessEnv = {}) =>
  ensureMongo(
    { cacheDir: join(dir, 'cache'), env: { PATH: join(dir, 'path'), ...more }, goDir: join(dir, 'go') },
    () => undefined,
  );

test('a server that MONGODB_URL names is taken as it is', async () => {
  await command('path/mongod');
  expect((await ensure({ MONGODB_URL: 'mongodb://host:27017' })).detail).toBe('the server at MONGODB_URL');
});

test('so is one on PATH, mongod before ferretdb, and one that was built before', async () => {
  const built = await command('cache/bin/ferretdb', 'echo "version: v1.24.2"');
  expect((await ensure()).detail).toBe(built);
  const ferret = await command('path/ferretdb');
  expect((await ensure()).detail).toBe(ferret);
  const mongod = await command('path/mongod');
  const { detail, env } = await ensure();
  expect([detail, env.PATH]).toEqual([mongod, `${join(dir, 'path')}:${join(dir, 'cache/bin')}`]);
});

test('none, and nothing to build one with: said aloud, and no failure', async () => {
  const { detail, warning } = await ensure();
  expect(warning).toBe(true);
  expect(detail).toMatch(/^TESTS OF MONGODB ARE SKIPPED: there is no MongoDB here and no Go/);
});

test('one that was built of another version is built anew; a build that fails is told of, with its output in a file', async () => {
  await command('cache/bin/ferretdb', 'echo "version: v1.0.0"');
  await command('go/go', 'echo "go: no network" >&2; exit 1');
  const { detail, warning } = await ensure();
  expect(warning).toBe(true);
  expect(detail).toContain('FerretDB could not be built');
  const log = /\((.*)\)/.exec(detail)![1]!;
  expect(await readFile(log, 'utf8')).toContain('no network');
});

test('sources with another checksum than the known one are not built', async () => {
  await command('path/go', `echo '{ "Sum": "h1:other", "Dir": "${dir}" }'; touch ${dir}/called-$1`);
  expect((await ensure()).warning).toBe(true);
  await expect(readFile(join(dir, 'called-build'))).rejects.toThrow('ENOENT');
});
