import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { startRedis } from '../common/testing/redis-server.ts';
import { until } from '../common/testing/until.ts';
import { CLI } from './support/landscape.ts';
import { createUpGround, isAlive } from './support/up-ground.ts';

/** A role whose parent has died has nobody who would ever stop it. */

/** A parent that starts a role through an IPC channel, says its pid, and lives until it is killed; or ends at once if told so. */
const PARENT = `
  const { fork } = require('node:child_process');
  const role = fork(process.argv[1], ['processor'], { execArgv: [] });
  process.stdout.write('pid ' + role.pid + '\\n');
  role.on('message', () => process.stdout.write('ready\\n'));
  if (process.argv[2] === 'ends') process.exit();
`;

/** Both write into one pipe, which ends when both have ended. */
function startOrphan(cwd: string, life: 'ends' | 'stays') {
  const parent = spawn(process.execPath, ['-e', PARENT, CLI, life], { cwd });
  let output = '';
  for (const stream of [parent.stdout, parent.stderr])
    stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  let closed = false;
  const ended = once(parent, 'close').then(() => (closed = true));
  return {
    parent,
    output: () => output,
    bothEnded: () => until('both have ended', () => closed, 30_000),
    [Symbol.asyncDispose]: async () => {
      parent.kill('SIGKILL');
      const pid = Number(/^pid (\d+)$/m.exec(output)?.[1] ?? 0);
      if (isAlive(pid)) process.kill(pid, 'SIGKILL');
      await ended;
    },
  };
}

test('a role whose parent is gone before it listens ends, although Redis is away', async () => {
  await using ground = await createUpGround();
  await using orphan = startOrphan(ground.dir, 'ends');
  await orphan.bothEnded();
  expect(orphan.output()).toContain('not started');
  expect(orphan.output()).not.toMatch(/this is a bug|ERR_IPC/);
}, 60_000);

test.each([{ redis: 'there' }, { redis: 'away' }])(
  'a role whose parent is killed stops in order, Redis being $redis',
  async ({ redis }) => {
    await using server = redis === 'there' ? await startRedis() : undefined;
    await using ground = await createUpGround(server === undefined ? {} : { redis: { url: server.url } });
    await using orphan = startOrphan(ground.dir, 'stays');
    const says = server === undefined ? 'waiting for Redis' : 'ready\n';
    await until('the role is under way', () => orphan.output().includes(says), 60_000);
    orphan.parent.kill('SIGKILL');
    await orphan.bothEnded();
    expect(orphan.output()).toContain('"stopping"');
    expect(orphan.output()).not.toMatch(/this is a bug|ERR_IPC|left behind/);
  },
  90_000,
);
