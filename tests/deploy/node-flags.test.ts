import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { nodeFlagsOf, ROLE_ENVIRONMENT, v8FlagsOf } from '../../scripts/node-flags.ts';

const textOf = (name: string) => readFileSync(new URL(`../../${name}`, import.meta.url), 'utf8');

interface Compose {
  services: Record<string, { environment?: Record<string, string> }>;
}

test('the compose file gives each role the flags of Node that `up` gives it', () => {
  const { services } = parse(textOf('docker-compose.yml'), { merge: true }) as Compose;
  const roles = ['collector', 'processor', 'sinks'];
  const said = roles.map((role) => [role, services[role]?.environment?.['NODE_OPTIONS'] ?? '']);
  expect(said).toEqual(roles.map((role) => [role, nodeFlagsOf(role).join(' ')]));
});

test('the image has in its environment what `up` gives each role', () => {
  const said = textOf('Dockerfile').replaceAll('\\\n', ' ');
  for (const [name, value] of Object.entries(ROLE_ENVIRONMENT))
    expect(said).toMatch(new RegExp(`^ENV .*\\b${name}=${value}\\b`, 'm'));
});

test('this Node knows each of the flags: V8 passes over one that it does not know', () => {
  const known = execFileSync(process.execPath, ['--v8-options'], { encoding: 'utf8' });
  const flags = ['collector', 'processor', 'sinks', 'api'].flatMap((role) => [
    ...nodeFlagsOf(role),
    ...v8FlagsOf(role),
  ]);
  expect(flags.length).toBeGreaterThan(0);
  for (const flag of flags) expect(known).toContain(` ${flag.replace(/=.*/, '')} (`);
});
