import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { FatalError } from '../common/errors.ts';
import { startRedis } from '../common/testing/redis-server.ts';
import type { TestRedis } from '../common/testing/redis-server.ts';
import { idsIn, openRig } from './testing/rig.ts';
import type { Rig } from './testing/rig.ts';

/** What ends a processor, in words, and what the next one finds. The line cited is one of docs/redis-streams.md. */

const ids = idsIn(0, 20);
const user = { username: 'worker', password: 'secret' };
let server: TestRedis;
let rig: Rig;
beforeAll(async () => {
  server = await startRedis();
  rig = await openRig(server);
});
beforeEach(async () => {
  await rig.reset();
  await acl('reset', 'on', '>secret', '~*', '&*', '+@all');
});
afterAll(async () => {
  await rig[Symbol.asyncDispose]();
  await server.stop();
});

const acl = (...rights: string[]) => rig.redis.acl('SETUSER', user.username, ...rights);

describe('R27: a processor', () => {
  // Whatever the commit lacks: the logs are merged by the next, and no revision is missing.
  test.each(['xadd', 'set', 'zadd', 'xgroup|setid'])(
    'that loses the right to %s ends and says so, and the next one merges what it could not',
    async (command) => {
      await using processor = await rig.start({ user });
      await rig.send(ids.slice(0, 10), 'send');
      await rig.caughtUp();
      await acl(`-${command}`);
      await rig.send([...ids.slice(0, 10), ...ids.slice(10)], 'receive');
      const error = await processor.ended;
      expect(error).toBeInstanceOf(FatalError);
      expect((error as Error).message).toMatch(/may not run|lacks rights/);
      await acl('+@all');
      await using next = await rig.start({ user });
      await rig.send(ids.slice(10), 'send');
      await rig.completed(ids);
      await rig.caughtUp();
      // Each transaction's revisions, none left out.
      for (const id of ids) {
        const versions = new Set(
          (await rig.streams.summaries()).filter((s) => s.transaction_id === id).map((s) => s.version),
        );
        expect(versions).toEqual(new Set(Array.from(versions, (_, i) => i + 1)));
      }
      expect(await next.metric('tranweave_processor_lost_entries_total')).toBe(0);
    },
  );

  test('whose password was changed ends and says so', async () => {
    await using processor = await rig.start({ user });
    await acl('resetpass', '>changed');
    await rig.redis.client('KILL', 'USER', user.username);
    const error = await processor.ended;
    expect(error).toBeInstanceOf(FatalError);
    expect((error as Error).message).toContain('redis.password');
  });

  test('does not start where it is not let in or lacks a right, and says why', async () => {
    await expect(rig.start({ user: { ...user, password: 'wrong' } })).rejects.toThrow('redis.password');
    await acl('-xadd');
    await expect(rig.start({ user })).rejects.toThrow('may not run XADD');
  });
});
