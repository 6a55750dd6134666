import { afterAll, expect, test } from 'vitest';
import * as v from 'valibot';
import { describeError, RetriableError } from '../errors.ts';
import { silentLogger } from '../logger.ts';
import { connectRedis, redisConfigSchema } from './connection.ts';
import type { RedisClient } from './connection.ts';
import { meaningOf, reply } from './redis-error.ts';

const clients: RedisClient[] = [];
afterAll(() => clients.forEach((client) => client.disconnect()));

// Nobody listens there.
test.each([{ url: 'redis://127.0.0.1:1' }, { cluster: ['127.0.0.1:1'] }])(
  'a command without a connection (%o) fails in words of ours, and none of the driver',
  async (config) => {
    const redis = connectRedis(v.parse(redisConfigSchema, config), silentLogger());
    clients.push(redis);
    const error: unknown = await reply(redis.get('x')).catch((failure: unknown) => failure);
    expect(error).toBeInstanceOf(RetriableError);
    expect(describeError(error)).toBe('Redis cannot be reached: not connected');
  },
);

test('what went wrong with a connection is told', () => {
  const refused = meaningOf(new Error('connect ECONNREFUSED 127.0.0.1:1'));
  expect(describeError(refused)).toBe('Redis cannot be reached: connect ECONNREFUSED 127.0.0.1:1');
});
