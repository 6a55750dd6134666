import { lstat } from 'node:fs';
import type { BigIntStats } from 'node:fs';
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { lstatEachLocal, statEach } from './many-stats.ts';

test('both ways see the same of files, links and what is not there, whatever their number', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'tranweave-stats-'));
  onTestFinished(() => rm(dir, { recursive: true }));
  const paths = Array.from({ length: 300 }, (_, i) => join(dir, `${i}`));
  await Promise.all(paths.map((path, i) => writeFile(path, 'x'.repeat(i))));
  const link = join(dir, 'link');
  await symlink(paths[1]!, link);
  paths.push(link, join(dir, 'none'));

  const seen = (found: BigIntStats | Error) =>
    found instanceof Error
      ? (found as NodeJS.ErrnoException).code
      : [found.ino, found.size, found.mtimeNs, found.isSymbolicLink()];
  const [by, local] = [new Map<string, unknown>(), new Map<string, unknown>()];
  await statEach(paths, lstat, (path, found) => by.set(path, seen(found)));
  await lstatEachLocal(paths, (path, found) => local.set(path, seen(found)));
  expect([...local.keys()]).toEqual(paths);
  expect(local).toEqual(by);
  expect(local.get(join(dir, 'none'))).toBe('ENOENT');
});
