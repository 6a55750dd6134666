import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const DIST = fileURLToPath(new URL('../../dist/scripts/embedded-clickhouse/priority.js', import.meta.url));
const SCRIPT = `
  const { getPriority, setPriority } = await import('node:os');
  const { standBack } = await import(process.argv[1]);
  setPriority(Number(process.argv[2]));
  standBack();
  console.log(getPriority());
`;

/** Of a process that had the niceness before. Niceness is raised only, as anybody may. */
async function nicenessAfter(before: number): Promise<number> {
  const args = ['--input-type=module', '--eval', SCRIPT, DIST, String(before)];
  return Number((await promisify(execFile)(process.execPath, args)).stdout);
}

test.each([
  [3, 5],
  [12, 12],
])('a process of niceness %i has %i afterwards', async (before, after) => {
  expect(await nicenessAfter(before)).toBe(after);
});
