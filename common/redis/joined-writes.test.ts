import { afterAll, beforeAll, expect, test } from 'vitest';
import { startRedis } from '../testing/redis-server.ts';
import type { TestRedis } from '../testing/redis-server.ts';
import type { RedisClient } from './connection.ts';

let server: TestRedis;
let redis: RedisClient;

beforeAll(async () => {
  server = await startRedis();
  redis = await server.client();
});
afterAll(() => server.stop());

/** How often the server has read from its sockets. */
async function readsOf(): Promise<number> {
  const stats = await redis.info('stats');
  return Number(/total_reads_processed:(\d+)/.exec(stats)?.[1]);
}

test('commands of one turn come to the server together, each with its own answer', async () => {
  const before = await readsOf();
  const answers = await Promise.all(
    Array.from({ length: 100 }, (_, n) =>
      n === 50 ? redis.incr('text') : redis.set(n === 49 ? 'text' : `k${n}`, 'x'),
    ).map(async (answer) => answer.catch((error: Error) => error.message)),
  );
  // One for them, and one for the question how many there were.
  expect((await readsOf()) - before).toBe(2);
  expect(answers.filter((answer) => answer === 'OK')).toHaveLength(99);
  expect(answers[50]).toContain('not an integer');
});

test('a command that is sent when the others have left leaves by itself', async () => {
  const before = await readsOf();
  await redis.ping();
  await redis.ping();
  expect((await readsOf()) - before).toBe(3);
});
