import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { nodeFlagsOf } from '../../scripts/node-flags.ts';

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
