import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

/** docs/files.md promises a test for each line: the file that it names must have one of that name. */
const PAGE = new URL('../docs/files.md', import.meta.url);
const rows = readFileSync(PAGE, 'utf8')
  .split('\n')
  .filter((line) => /^\| [A-E]\d/.test(line))
  .map((line) => {
    const [, lines = '', , file = '', name = ''] = line.split('|').map((cell) => cell.trim());
    return { lines, file: /\((\S+)\)/.exec(file)?.[1] ?? '', name };
  });

test('there are lines', () => {
  expect(rows.length).toBeGreaterThan(40);
});

test.each(rows)('$lines: $file has the test', ({ file, name }) => {
  expect(readFileSync(new URL(file, PAGE), 'utf8')).toContain(name);
});
