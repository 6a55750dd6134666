import { chmod, mkdir, readdir } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { pino } from 'pino';
import { describe, expect, test } from 'vitest';
import { appendLines, inFoldersOfTheirOwn, until, untilStored } from './fixture.ts';
import type { Fixture } from './fixture.ts';
import type { ReadFolder } from './discovery.ts';
import { createFolderWatch } from './watch.ts';

let fixture: Fixture;
let dir: string;

inFoldersOfTheirOwn((given) => {
  ({ fixture, dir } = given);
});

/** A logger, and what it was told: message and path, or folder. */
function telling() {
  const told: string[] = [];
  const write = (text: string) => {
    const { msg, path, folder } = JSON.parse(text) as Record<string, string>;
    if (msg?.startsWith('folder')) told.push(`${msg} ${path ?? folder}`);
  };
  return { told, logger: pino({}, { write }) };
}

const system = (code: string) => Object.assign(new Error(code), { code, syscall: 'scandir' });

describe('a folder that cannot be read', () => {
  test('is told of, each once, and is read when it can be, which is told too', async () => {
    const folders = ['a', 'b', 'c'].map((name) => join(dir, name));
    await Promise.all(folders.map((folder) => promisify(mkdir)(folder)));
    const ids = await Promise.all(
      folders.map((folder, at) => appendLines(join(folder, 'x.log'), `t${at}-`, 0, 2)),
    );
    const refused = new Set(folders.slice(0, 2));
    let refusals = 0;
    const readFolder: ReadFolder = (folder, options, done) => {
      const isRefused = [...refused].some((one) => `${folder}/`.startsWith(`${one}/`));
      if (!isRefused) return readdir(folder, options, done);
      refusals += 1;
      done(system('EACCES'), []);
    };
    const { told, logger } = telling();
    await fixture.start(dir, {
      config: { paths: [join(dir, '*', '*.log')], watch: false },
      readFolder,
      deps: { logger },
    });
    await untilStored(fixture, ids[2]!);
    await until(() => refusals > 6);
    const cannot = 'folder cannot be read; trying again at every scan';
    expect(told.sort()).toEqual([`${cannot} ${folders[0]}`, `${cannot} ${folders[1]}`]);
    refused.clear();
    await untilStored(fixture, ids.flat());
    expect(told.slice(2).sort()).toEqual([
      `folder can be read now ${folders[0]}`,
      `folder can be read now ${folders[1]}`,
    ]);
  });

  // Root may read everything.
  test.skipIf(process.getuid?.() === 0)('is read once its permissions allow it', async () => {
    const folder = join(dir, 'a');
    await promisify(mkdir)(folder);
    const ids = await appendLines(join(folder, 'x.log'), 't', 0, 2);
    await promisify(chmod)(folder, 0);
    const { told, logger } = telling();
    await fixture.start(dir, { config: { paths: [join(folder, '*.log')] }, deps: { logger } });
    expect(told).toEqual([`folder cannot be read; trying again at every scan ${folder}`]);
    await promisify(chmod)(folder, 0o755);
    await untilStored(fixture, ids);
    expect(told.slice(1)).toEqual([`folder can be read now ${folder}`]);
  });
});

describe('a folder that cannot be watched', () => {
  /** What is told when watching these, twice, fails so. */
  function toldOf(code: string, ...names: string[]) {
    const { told, logger } = telling();
    const refuse = () => {
      throw system(code);
    };
    const watching = createFolderWatch({ written: () => {}, renamed: () => {} }, logger, refuse);
    const folders = new Set(names);
    watching.watch(folders);
    watching.watch(folders);
    expect(watching.covers(folders)).toBe(false);
    return told;
  }
  const scans = 'folder cannot be watched; files are found by scans alone';

  test('is told of, each once', () => {
    expect(toldOf('EIO', '/a', '/b')).toEqual([`${scans} /a`, `${scans} /b`]);
  });

  test('since there are no more watches is told of once for all', () => {
    expect(toldOf('ENOSPC', '/a', '/b')).toEqual([`${scans} /a`]);
  });

  test('since it may not be read is left to the scan to tell, which finds nothing there', () => {
    expect(toldOf('EACCES', '/a', '/b')).toEqual([]);
  });
});
