import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { configJsonSchema, configurationPage, trackingLogPage } from './reference.ts';

const page = (name: string) => readFileSync(new URL(`../../docs/${name}`, import.meta.url), 'utf8');

test.each([
  ['configuration.md', configurationPage],
  ['tracking-log.md', trackingLogPage],
  ['tranweave.schema.json', configJsonSchema],
])('docs/%s is what the schemas say; `npm run docs` brings it up to date', (name, make) => {
  expect(page(name)).toBe(make());
});
