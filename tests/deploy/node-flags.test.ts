import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { NODE_FLAGS } from '../../scripts/node-flags.ts';

const textOf = (name: string) => readFileSync(new URL(`../../${name}`, import.meta.url), 'utf8');

test('the command and the image run Node as `up` does', () => {
  expect(textOf('scripts/cli.ts').split('\n')[0]).toBe(
    ['#!/usr/bin/env', ...(NODE_FLAGS.length > 0 ? ['-S'] : []), 'node', ...NODE_FLAGS].join(' '),
  );
  const entry = /^ENTRYPOINT (\[.*\])$/m.exec(textOf('Dockerfile'))?.[1] ?? '[]';
  expect(JSON.parse(entry)).toEqual(['node', ...NODE_FLAGS, '/app/dist/scripts/cli.js']);
});
