import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { FatalError } from '../common/errors.ts';
import { until } from '../common/testing/until.ts';
import { createInProcess } from './support/in-process.ts';
import type { InProcess } from './support/in-process.ts';

/** Rights that are taken from running roles: no waiting mends that. The line cited is one of docs/redis-streams.md. */

const user = { username: 'tranweave', password: 'secret' };
let landscape: InProcess;
beforeEach(async () => {
  landscape = await createInProcess({ user });
  await until('the store is open', async () => (await landscape.roles.sinks.reasons()).length === 0);
});
afterEach(() => landscape[Symbol.asyncDispose]());

const line = (id: string) =>
  `${JSON.stringify({ transaction_id: id, step: 'send', status: 'succeeded', event_time: '2026-01-31T09:15:00Z' })}\n`;

describe('R27: every role', () => {
  test('ends, and says so, when its password was changed', async () => {
    await landscape.admin.acl('SETUSER', user.username, 'resetpass', '>changed');
    await landscape.admin.client('KILL', 'USER', user.username);
    for (const role of Object.values(landscape.roles)) {
      const error = await role.ended;
      expect(error).toBeInstanceOf(FatalError);
      expect((error as Error).message).toContain('redis.password');
    }
  });

  test('ends when it loses a right; a sender is told to come back, and nothing is taken by halves', async () => {
    const { admin, roles } = landscape;
    await admin.acl('SETUSER', user.username, '-xadd');
    expect((await landscape.post(line('T1'), 'key')).status).toBe(503);
    const error = await roles.collector.ended;
    expect(error).toBeInstanceOf(FatalError);
    expect((error as Error).message).toContain('may not run XADD');
    const streams = await admin.keys('tranweave:*:log');
    for (const stream of streams) expect(await admin.xlen(stream)).toBe(0);
  });

  test('reading files ends likewise, and the next one reads on from where it was', async () => {
    const { admin, roles } = landscape;
    await landscape.write(line('T1'));
    const stored = async () =>
      (
        await landscape.clickhouse.rows<{ id: string }>(
          'SELECT transaction_id AS id FROM tranweave.tracking_log',
        )
      )
        .map(({ id }) => id)
        .sort();
    await until('it is stored', async () => (await stored()).length === 1);
    await admin.acl('SETUSER', user.username, '-hset');
    await landscape.write(line('T2'));
    expect(await roles.collector.ended).toBeInstanceOf(FatalError);
    await admin.acl('SETUSER', user.username, '+@all');
    await using next = await landscape.start('collector');
    await landscape.write(line('T3'));
    await until('the rest is stored', async () => (await stored()).length >= 3);
    expect([new Set(await stored()), next.isRunning()]).toEqual([new Set(['T1', 'T2', 'T3']), true]);
  });
});
