import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { installSize, productionPackages } from './install-size.ts';

const ROOT = new URL('..', import.meta.url).pathname;

test('the image carries neither dev nor optional packages', () => {
  const { packages } = JSON.parse(readFileSync(`${ROOT}/package-lock.json`, 'utf8')) as {
    packages: Record<string, object>;
  };
  const paths = productionPackages(packages);
  expect(paths).toEqual(expect.arrayContaining(['node_modules/hono', 'node_modules/ioredis']));
  for (const path of ['', 'node_modules/chdb', 'node_modules/vitest', 'node_modules/typescript']) {
    expect(paths).not.toContain(path);
  }
});

test('its size is that of files which are there', () => {
  const { packages, files, bytes, largest } = installSize(ROOT);
  expect(packages).toBeGreaterThan(10);
  expect(files).toBeGreaterThan(packages);
  expect(bytes).toBeGreaterThan(1_000_000);
  expect(largest.map((one) => one.bytes)).toEqual(largest.map((one) => one.bytes).sort((a, b) => b - a));
});
