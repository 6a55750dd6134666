import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import iconv from 'iconv-lite';
import { afterAll, expect, test } from 'vitest';
import { CLI } from './support/landscape.ts';

/** `tranweave test` as people run it: in a folder with a config, whose scenarios pass, fail, or have mistakes. */

const dir = mkdtempSync(join(tmpdir(), 'tranweave-test-command-'));
afterAll(() => rmSync(dir, { recursive: true }));

const scenario = (name: string, status: string) => `
  - name: ${name}
    logs: [{ step: send, status: succeeded }, { step: receive, status: succeeded }]
    expect: { status: ${status} }`;
const passing = `scenarios:${scenario('goes through', 'completed')}${scenario('is done', 'completed')}`;
const failing = `scenarios:${scenario('goes through', 'completed')}${scenario('gets stuck', 'in_progress')}`;
const mistaken = `scenarios:${scenario('goes thruogh', 'compleated')}`;

writeFileSync(join(dir, 'tranweave.yml'), 'default_flow: { steps: [send, receive] }\n');
writeFileSync(join(dir, 'scenarios.yml'), passing);
mkdirSync(join(dir, 'more'));
writeFileSync(join(dir, 'more', 'failing.yml'), failing);
writeFileSync(join(dir, 'more', 'mistaken.yml'), mistaken);
writeFileSync(join(dir, 'more', 'passing.yml'), passing);

/** Beside the config, as a team does. */
function run(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [CLI, 'test', ...args], {
    cwd: dir,
    encoding: 'utf8',
    timeout: 20_000,
  });
  return { status, stdout, stderr };
}

test('without files, scenarios.yml beside the config is tried', () => {
  const passed = { status: 0, stdout: '2 scenarios passed\n', stderr: '' };
  expect(run()).toEqual(passed);
  expect(run('--config', join(dir, 'tranweave.yml'))).toEqual(passed);
});

test('what fails is told with its place, and the exit code is 1', () => {
  const { status, stdout, stderr } = run('more/failing.yml', 'scenarios.yml');
  expect({ status, stderr }).toEqual({ status: 1, stderr: '' });
  expect(stdout).toBe(
    `
more/failing.yml:5  gets stuck

    field   expected     found
    status  in_progress  completed

  flow of no known interface: send, then receive; no deadline

  with the logs in this order, and so in all of the 4 ways that were tried:

    log  step     status     event_time
    1    send     succeeded  2026-01-01T00:00:00.000000Z
    2    receive  succeeded  2026-01-01T00:00:01.000000Z

3 scenarios passed, 1 failed
`.trimStart(),
  );
});

test('a mistake is named with file, line and column, and nothing is tried', () => {
  expect(run('more/*.yml')).toEqual({
    status: 1,
    stdout: '',
    stderr: `tranweave: 1 mistake in more/mistaken.yml
  more/mistaken.yml:4:15  scenarios[0].expect.status must be one of in_progress, completed, failed, timed_out
`,
  });
});

test('scenarios in another encoding are not tried with garbage for letters', () => {
  writeFileSync(join(dir, 'more', 'cp949.txt'), iconv.encode(`# 시나리오\n${passing}`, 'cp949'));
  const { status, stdout, stderr } = run('more/cp949.txt');
  expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
  expect(stderr).toContain('more/cp949.txt:1:3  is not UTF-8');
});

test('patterns mean the files that fit, each once', () => {
  expect(run('more/p*.yml', join(dir, 'more/passing.yml'), '**/pass*')).toMatchObject({
    status: 0,
    stdout: '2 scenarios passed\n',
  });
});

test.each([
  [['none.yml'], 'there is no file of scenarios none.yml; docs/flows.md tells how to write one'],
  [['none*.yml'], 'no file fits none*.yml'],
  [
    ['--config', 'none.yml'],
    'there is no config none.yml; `tranweave init` writes one, --config names another',
  ],
])('%j: %s', (args, words) => {
  expect(run(...args)).toEqual({ status: 1, stdout: '', stderr: `tranweave: ${words}\n` });
});
