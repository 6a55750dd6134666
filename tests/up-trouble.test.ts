import { existsSync, readFileSync } from 'node:fs';
import { mkdir, rmdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { findProgram } from '../common/testing/server-process.ts';
import { until } from '../common/testing/until.ts';
import { CLI } from './support/landscape.ts';
import { createUpGround, isAlive } from './support/up-ground.ts';
import type { Up, UpGround } from './support/up-ground.ts';

/** What befalls `up` from outside: whatever it is, everything that it has started ends with it. */

const START_MS_MAX = 60_000;
/** 5 s are promised; the machine that runs the tests may be busy. */
const PROMISED_MS_MAX = 15_000;

async function runs(up: Up): Promise<void> {
  const ended = up.ended.then((how) => Promise.reject(new Error(`ended (${how}): ${up.output()}`)));
  const says = () => up.output().includes('Ctrl-C stops everything');
  await Promise.race([until('it says where to look', says, START_MS_MAX), ended]);
  ended.catch(() => undefined);
}

async function expectNothingLeft(ground: UpGround): Promise<void> {
  await until('Redis is gone', () => ground.redisPid() === undefined);
  expect(existsSync(ground.data('up.pid'))).toBe(false);
}

test('a reader of its output that is gone before Ctrl-C keeps nothing from being stopped', async () => {
  await using ground = await createUpGround();
  const up = ground.start(['up']);
  await runs(up);
  expect(ground.redisPid()).toBeDefined();
  up.child.stdout?.destroy();
  up.child.stderr?.destroy();
  up.child.kill('SIGINT');
  expect(await up.ended).toBe(0);
  await expectNothingLeft(ground);
}, 120_000);

test.skipIf(process.platform !== 'linux' || findProgram('script') === undefined)(
  'a terminal that is closed stops everything',
  async () => {
    await using ground = await createUpGround();
    const command = `exec '${process.execPath}' '${CLI}' up`;
    const terminal = ground.start(['--quiet', '--flush', '--command', command, '/dev/null'], 'script');
    await runs(terminal);
    const pid = Number(readFileSync(ground.data('up.pid'), 'utf8'));
    expect(isAlive(pid)).toBe(true);
    terminal.child.kill('SIGKILL');
    await until('up is gone', () => !isAlive(pid));
    await expectNothingLeft(ground);
  },
  120_000,
);

test.skipIf(!existsSync('/dev/full'))(
  'a log file that cannot be written is told once, and everything goes on',
  async () => {
    await using ground = await createUpGround();
    await symlink('/dev/full', ground.data('logs', 'processor.log'));
    const up = ground.start(['up']);
    await runs(up);
    const told = /processor\.log cannot be written, so what processor says is lost .*ENOSPC/g;
    expect(up.output().match(told)).toHaveLength(1);
    up.child.kill('SIGINT');
    expect(await up.ended).toBe(0);
    await expectNothingLeft(ground);
  },
  120_000,
);

test('a role that ends once it was ready is waited for, its last words are shown, and it comes when what it lacked is there', async () => {
  await using ground = await createUpGround();
  await rmdir(join(ground.dir, 'rows'));
  const up = ground.start(['up']);
  const words = /sinks ended \(exit code 1\); it is started again:\n(?: .*\n)* .*rows.*/;
  await until('its words are shown', () => words.test(up.output()), START_MS_MAX);
  await mkdir(join(ground.dir, 'rows'));
  await runs(up);
  expect(up.output()).not.toContain('this is a bug');
  up.child.kill('SIGINT');
  expect(await up.ended).toBe(0);
  await expectNothingLeft(ground);
}, 120_000);

test('Ctrl-C is obeyed while a role starts that would wait for long', async () => {
  await using ground = await createUpGround({ up: { redis: false, clickhouse: false, processors: 1 } });
  const up = ground.start(['up']);
  const log = ground.data('logs', 'sinks.log');
  const waits = () => existsSync(log) && readFileSync(log, 'utf8').includes('waiting for Redis');
  await until('a role waits', waits, START_MS_MAX);
  const before = performance.now();
  up.child.kill('SIGINT');
  expect(await up.ended).toBe(0);
  expect(performance.now() - before).toBeLessThan(PROMISED_MS_MAX);
  expect(up.output()).toContain('✓ stopped');
  expect(existsSync(ground.data('up.pid'))).toBe(false);
}, 120_000);
