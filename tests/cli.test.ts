import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { CLI } from './support/landscape.ts';

/** What the command makes of its own words, before it asks any server. */

const dir = mkdtempSync(join(tmpdir(), 'tranweave-cli-'));
afterAll(() => rmSync(dir, { recursive: true }));

// Nobody listens there: whatever comes so far says that Redis cannot be reached.
writeFileSync(join(dir, 'tranweave.yml'), 'redis: { url: redis://127.0.0.1:1 }\n');

function run(...args: string[]) {
  const { status, stderr } = spawnSync(process.execPath, [CLI, ...args], {
    cwd: dir,
    encoding: 'utf8',
    timeout: 20_000,
  });
  return { status, stderr };
}

describe('a zone that there is not is refused before anything is done, by', () => {
  test.each([
    ['alerts silence add --all --for 1h'],
    ['alerts silence list'],
    ['alerts list'],
    ['alerts test'],
    ['trace T1'],
    ['dead-letters list'],
    ['dead-letters show 1'],
    ['init --from tranweave.yml'],
  ])('%s', (command) => {
    const { status, stderr } = run(...command.split(' '), '--zone', 'Mars');
    expect(stderr).toContain('Mars is not a time zone, like Asia/Seoul, UTC or +09:00');
    expect(stderr).not.toMatch(/bug|Redis|at .*\.js/);
    expect(status).toBe(1);
  });
});

describe('a count that makes no sense is refused with what makes some, by', () => {
  test.each([
    ['insights show I --windows 0', '1 to 999999999'],
    ['insights show I -n 0', '1 to 999999999'],
    ['dead-letters list -n -1', '1 to 999999999'],
    ['dead-letters list -n 1.5', '1 to 999999999'],
    ['mq browse -q Q -n 0', '1 to 999999999'],
    ['generate x.log -n 0', '1 to 999999999'],
    ['generate x.log --seed -1', '0 to 999999999'],
    ['verify --days 0', '1 to 31'],
    ['verify --days 32', '1 to 31'],
    ['partitions --to 0', '1 to 1024'],
    ['partitions --to 1025', '1 to 1024'],
  ])('%s: %s', (command, range) => {
    const { status, stderr } = run(...command.split(' '));
    expect(stderr).toContain(`It must be a whole number from ${range}.`);
    expect(status).toBe(1);
  });
});

test.each(['README.md', 'README.ko.md'])('what %s tells people to type does something by itself', (file) => {
  const text = readFileSync(new URL(`../${file}`, import.meta.url), 'utf8');
  const commands = [...text.matchAll(/npx tranweave ([a-z][a-z-]*(?: [a-z][a-z-]*)*)/g)].map(
    ([, words]) => words!,
  );
  expect(commands).toContain('dead-letters list');
  for (const command of commands) {
    const help = spawnSync(process.execPath, [CLI, ...command.split(' '), '--help'], { encoding: 'utf8' });
    // A group of commands does nothing but say what it holds.
    expect(help.stdout).toMatch(/^Usage: /);
    expect(help.stdout).not.toContain('\nCommands:\n');
  }
});

test('partitions says once why Redis cannot be reached', () => {
  const { status, stderr } = run('partitions');
  expect(stderr).toMatch(/^tranweave: Redis [^\n]*ECONNREFUSED[^\n]*\n$/);
  expect(stderr.match(/ECONNREFUSED/g)).toHaveLength(1);
  expect(status).toBe(1);
});

describe('whoever reads the output may stop, as `head` does:', () => {
  const failing = `scenarios:
  - { name: gets stuck, logs: [{ step: send, status: succeeded }], expect: { status: completed } }
`;
  writeFileSync(join(dir, 'failing.yml'), failing);

  test.each([
    ['validate', 0],
    ['test failing.yml', 1],
  ])('%s ends with %i, and nothing more is said', (command, code) => {
    // Whoever reads has gone before anything is said.
    const piped = `set -o pipefail; '${process.execPath}' '${CLI}' ${command} | true`;
    const { status, stderr } = spawnSync('bash', ['-c', piped], { cwd: dir, encoding: 'utf8' });
    expect({ status, stderr }).toEqual({ status: code, stderr: '' });
  });
});
