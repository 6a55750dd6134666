import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { checkConfig } from '../../common/config.ts';
import { loadTranweaveConfig, tranweaveConfigSchema } from '../tranweave-config.ts';
import { init, STARTER } from './init.ts';

const dir = mkdtempSync(join(tmpdir(), 'tranweave-init-'));
afterAll(() => rmSync(dir, { recursive: true }));

test('the config that init writes is valid, and so is what it leaves commented out', () => {
  expect(checkConfig(STARTER, tranweaveConfigSchema, {}).mistakes).toBeUndefined();
  const all = STARTER.replaceAll(/^( *)# (?=( *)(- |[a-z_]+:|flows))/gm, '$1');
  const { config, mistakes } = checkConfig(all, tranweaveConfigSchema, {
    REDIS_PASSWORD: 'x',
    PORTAL_API_KEY: 'sixteen-or-longer',
  });
  expect(mistakes).toBeUndefined();
  expect(config?.inputs.map((input) => input.name)).toEqual(['api', 'orders']);
  expect(config?.flows).toHaveLength(1);
});

test('init overwrites nothing unless it is told to', () => {
  const output = join(dir, 'a.yml');
  init({ output });
  expect(() => init({ output })).toThrow('is there already; --force overwrites it');
  init({ output, force: true });
  expect(loadTranweaveConfig(output, {}).partitions).toBe(8);
});

test('paths in a config are seen from its own folder', () => {
  const config = loadTranweaveConfig(join(import.meta.dirname, '../../examples/orders/tranweave.yml'), {});
  const [input] = config.inputs;
  expect(input?.type === 'file' && input.paths[0]?.endsWith('/examples/orders/shop.log')).toBe(true);
  expect(config.up.data_dir.endsWith('/examples/orders/data')).toBe(true);
});
