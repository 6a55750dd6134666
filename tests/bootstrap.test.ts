import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

/** The set-up before `npm start` and `npm test`, stage by stage; the whole of it is what every test run begins with. */

const scripts = new URL('../scripts/', import.meta.url);
const run = promisify(execFile);

/** Plain JavaScript, since it runs before there is a compiler: these are its types. */
const load = (file: string): Promise<unknown> => import(new URL(file, scripts).href);
interface LockFile {
  packages: Record<string, { version?: string; integrity?: string; optional?: boolean }>;
}
const { checkNodeVersion } = (await load('bootstrap/node-version.mjs')) as {
  checkNodeVersion: (version: string) => { detail: string };
};
const { agrees } = (await load('bootstrap/packages.mjs')) as {
  agrees: (wanted: LockFile, installed: LockFile) => boolean;
};
const { isBuilt, stampOf } = (await load('build.mjs')) as {
  isBuilt: (root: string) => boolean;
  stampOf: (root: string, files: string[]) => string;
};
const { countTests } = (await load('bootstrap/test-run.mjs')) as {
  countTests: (report: object) => { passed: number; failed: number; skipped: number };
};
const { withLock } = (await load('bootstrap/lock.mjs')) as {
  withLock: (cacheDir: string, work: () => Promise<string>) => Promise<string>;
};

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'tranweave-bootstrap-'));
});
afterEach(async () => {
  await rm(dir, { recursive: true, force: true });
});

async function write(file: string, text: string): Promise<string> {
  const path = join(dir, file);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text);
  return path;
}

describe('node', () => {
  test('an old one is refused with the version that is needed', () => {
    expect(() => checkNodeVersion('18.20.4')).toThrow(
      'this is Node.js 18.20.4; Tranweave needs 20.19 or newer',
    );
    expect(() => checkNodeVersion('20.18.9')).toThrow('20.19');
    expect(checkNodeVersion('20.19.0')).toEqual({ detail: '20.19.0' });
    expect(checkNodeVersion('24.1.0')).toEqual({ detail: '24.1.0' });
  });
});

describe('packages', () => {
  const lock = (packages: Record<string, object>) => ({ packages: { '': {}, ...packages } });
  const a = { version: '1.0.0', integrity: 'sha512-a' };

  test('agree if every one that is wanted is there in its version', () => {
    const wanted = lock({ 'node_modules/a': a, 'node_modules/for-windows': { ...a, optional: true } });
    expect(agrees(wanted, lock({ 'node_modules/a': a }))).toBe(true);
    expect(agrees(wanted, lock({ 'node_modules/a': { ...a, version: '1.0.1' } }))).toBe(false);
    expect(agrees(wanted, lock({}))).toBe(false);
  });

  test.each(['chdb', 'ibmmq'])('do not agree without %s, though it is optional', (name) => {
    expect(agrees(lock({ [`node_modules/${name}`]: { ...a, optional: true } }), lock({}))).toBe(false);
  });
});

describe('compiled', () => {
  test('is not up to date once a source has another size or time, or is new', async () => {
    const source = await write('common/a.ts', 'export {};\n');
    await write('common/b.lua', '-- KEYS');
    const files = ['common/a.ts', 'common/b.lua'];
    const mark = async () => write('dist/.build-stamp', stampOf(dir, files));

    expect(isBuilt(dir)).toBe(false);
    await mark();
    expect(isBuilt(dir)).toBe(true);
    await utimes(source, new Date(0), new Date(0));
    expect(isBuilt(dir)).toBe(false);
    await mark();
    await write('common/a.test.ts', 'tests are not compiled');
    expect(isBuilt(dir)).toBe(true);
    await write('common/c.sql', 'SELECT 1');
    expect(isBuilt(dir)).toBe(false);
  });
});

describe('the closing line of tests', () => {
  test('counts a file that could not be loaded as one that failed', () => {
    const report = {
      numTotalTests: 5,
      numPassedTests: 3,
      numFailedTests: 1,
      testResults: [
        { status: 'passed', assertionResults: [{ status: 'passed' }] },
        { status: 'failed', assertionResults: [{ status: 'failed' }] },
        { status: 'failed', assertionResults: [] },
      ],
    };
    expect(countTests(report)).toEqual({ passed: 3, failed: 2, skipped: 1 });
  });
});

test('set-ups of one clone wait for each other; one that was killed is not waited for', async () => {
  await write('bootstrap.lock', '999999999');
  await expect(withLock(dir, () => Promise.resolve('done'))).resolves.toBe('done');
  await expect(readFile(join(dir, 'bootstrap.lock'))).rejects.toThrow('ENOENT');

  await write('bootstrap.lock', String(process.ppid));
  setTimeout(() => void rm(join(dir, 'bootstrap.lock')), 100);
  await expect(withLock(dir, () => Promise.resolve('after it'))).resolves.toBe('after it');
});

test('an unknown word shows how the script is used', async () => {
  const failed = run(process.execPath, [fileURLToPath(new URL('bootstrap.mjs', scripts)), 'strat']);
  await expect(failed).rejects.toMatchObject({
    code: 2,
    stderr: expect.stringContaining('usage:') as string,
  });
});
