import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

/** Collectors run on machines that have other work: what only sinks need must not be in their memory. */
const DRIVERS = ['@clickhouse/client', 'mongodb', 'mysql2', 'pg'];
const roles = fileURLToPath(new URL('../dist/scripts/commands/roles.js', import.meta.url));
const store = (name: string) => fileURLToPath(new URL(`../dist/sinks/${name}/store.js`, import.meta.url));

/** Packages that are loaded when this has run. */
function loadedBy(script: string): string[] {
  const print = `console.log(Object.keys((await import('node:module')).default._cache).join('\\n'))`;
  const args = ['--input-type=module', '-e', `${script}; ${print}`];
  const { stdout, status } = spawnSync(process.execPath, args, { encoding: 'utf8', timeout: 30_000 });
  expect(status).toBe(0);
  return DRIVERS.filter((name) => stdout.includes(`/node_modules/${name}/`));
}

test('reading a config and the code of all roles loads no driver of a store', () => {
  expect(loadedBy(`await import(${JSON.stringify(roles)})`)).toEqual([]);
});

test.each([
  ['clickhouse', '@clickhouse/client'],
  ['mongodb', 'mongodb'],
  ['mysql', 'mysql2'],
  ['postgresql', 'pg'],
])('the code of the store %s loads its driver, and only that one', (name, driver) => {
  expect(loadedBy(`await import(${JSON.stringify(store(name))})`)).toEqual([driver]);
});
