import { expect, test } from 'vitest';
import { checkConfig } from '../common/config.ts';
import { tranweaveConfigSchema } from './tranweave-config.ts';

const mistakesIn = (text: string) =>
  (checkConfig(text, tranweaveConfigSchema, {}).mistakes ?? []).map(
    ({ line, key, reason }) => `${line} ${key} ${reason}`,
  );

test('a time that Redis gets for a command is neither none nor more than a timer can hold', () => {
  expect(mistakesIn('redis: { command_timeout: 0s }')).toEqual([
    '1 redis.command_timeout must be at least 100ms',
  ]);
  expect(mistakesIn('redis: { command_timeout: 30d }')).toEqual([
    '1 redis.command_timeout must be at most 1h',
  ]);
});

test('claims that would end as they are made are refused, and so are heartbeats that come too seldom for them', () => {
  expect(mistakesIn('claims: { ttl: 0s, heartbeat: 0s }')).toEqual([
    '1 claims.ttl must be at least 500ms',
    '1 claims.heartbeat must be at least 100ms',
  ]);
  expect(mistakesIn('claims: { ttl: 2s, heartbeat: 2s }')).toEqual([
    '1 claims must have a `ttl` of at least three heartbeats',
  ]);
  expect(mistakesIn('claims: { ttl: 500ms, heartbeat: 100ms }')).toEqual([]);
});
