import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

/** docs/redis-streams.md promises a test for each line: it must name one that cites it. */
const PAGE = new URL('../docs/redis-streams.md', import.meta.url);
const rows = readFileSync(PAGE, 'utf8')
  .split('\n')
  .filter((line) => line.startsWith('| R'))
  .map((line) => {
    const cells = line.split('|').map((cell) => cell.trim());
    const files = [...line.matchAll(/\]\((\S+\.test\.ts)\)/g)].map(([, path]) => new URL(path!, PAGE));
    return { lines: cells[1]!.split(', '), files };
  });

test('every line of the list is told of', () => {
  const told = new Set(rows.flatMap(({ lines }) => lines));
  expect(told).toEqual(new Set(Array.from({ length: 30 }, (_, i) => `R${i + 1}`)));
});

test.each(rows.filter(({ files }) => files.length > 0))(
  '$lines are cited by the tests that are named',
  ({ lines, files }) => {
    const cited = files.map((file) =>
      [...readFileSync(file, 'utf8').matchAll(/'(R\d+(?:, R\d+)*):/g)].flatMap(([, names]) =>
        names!.split(', '),
      ),
    );
    const idle = files.filter((_, index) => !lines.some((line) => cited[index]!.includes(line)));
    expect(idle.map((file) => file.pathname)).toEqual([]);
    expect(lines.filter((line) => !cited.flat().includes(line))).toEqual([]);
  },
);
