import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { globSync } from 'tinyglobby';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { FatalError } from '../errors.ts';
import { silentLogger } from '../logger.ts';
import { testRedisConfig } from '../testing/redis-config.ts';
import { startRedis } from '../testing/redis-server.ts';
import type { TestRedis } from '../testing/redis-server.ts';
import { connectRedis, untilReady } from './connection.ts';
import type { RedisClient } from './connection.ts';
import { joinDeployment } from './deployment.ts';
import { createKeys } from './keys.ts';
import { lackingRight } from './rights.ts';
import { loadScript } from './scripts.ts';

let server: TestRedis;
let redis: RedisClient;
beforeAll(async () => {
  server = await startRedis();
  redis = await server.client();
});
afterAll(() => server.stop());

/** Runs the work as a user with these rights. */
async function as<T>(rights: readonly string[], work: (redis: RedisClient) => Promise<T>): Promise<T> {
  await redis.acl('SETUSER', 'somebody', 'reset', 'on', '>secret', ...rights);
  const config = { ...testRedisConfig(server), username: 'somebody', password: 'secret' };
  const client = connectRedis(config, silentLogger());
  try {
    await untilReady(client, 5_000);
    return await work(client);
  } finally {
    client.disconnect();
  }
}

test('the list of what our scripts run is complete', () => {
  const root = fileURLToPath(new URL('../..', import.meta.url));
  const commandsIn = (lua: string) => [...lua.matchAll(/redis\.p?call\('(\w+)'/g)].map(([, name]) => name!);
  const used = globSync('{common,collector,processor,sinks,api}/**/*.lua', { cwd: root, absolute: true })
    .map((file) => readFileSync(file, 'utf8'))
    .flatMap(commandsIn);
  const listed = readFileSync(new URL('./rights.lua', import.meta.url), 'utf8');
  expect(used.length).toBeGreaterThan(30);
  expect([...new Set(used)].filter((name) => !listed.includes(`{ '${name}'`))).toEqual([]);
});

describe('R27: a user of Redis', () => {
  test('who may do what we need lacks nothing, also where there is no memory left', async () => {
    await redis.config('SET', 'maxmemory', '1');
    expect(await as(['~*', '&*', '+@all'], (client) => lackingRight(client, 'k'))).toBeUndefined();
    await redis.config('SET', 'maxmemory', '0');
  });

  test.each([
    ['a command of a script', ['~*', '&*', '+@all', '-xadd'], 'XADD tranweave:meta'],
    ['a part of one', ['~*', '&*', '+@all', '-xgroup|setid'], 'XGROUP SETID tranweave:meta'],
    ['a command of our own', ['~*', '&*', '+@all', '-info'], 'lacks rights'],
    ['our keys', ['~others:*', '&*', '+@all'], 'lacks rights'],
  ])('who lacks %s is told so at once', async (_, rights, words) => {
    const joining = as(rights, (client) => joinDeployment(client, createKeys('tranweave'), 2));
    await expect(joining).rejects.toThrow(FatalError);
    await expect(joining).rejects.toThrow(words);
  });

  test('who loses a right later is told which one, though the script that needs it cannot say', async () => {
    const acquire = loadScript(new URL('./claim-acquire.lua', import.meta.url));
    const running = as(['~*', '&*', '+@all', '-pttl'], (client) =>
      acquire.run(client, ['claim', 'epoch'], ['a', '1000']),
    );
    await expect(running).rejects.toThrow(FatalError);
    await expect(running).rejects.toThrow('may not run PTTL');
  });

  test('who is not let in is told so at once, not waited for', async () => {
    const wrong = connectRedis(
      { ...testRedisConfig(server), username: 'nobody', password: 'x' },
      silentLogger(),
    );
    await expect(untilReady(wrong, 20_000)).rejects.toThrow(FatalError);
    wrong.disconnect();
    await redis.config('SET', 'requirepass', 'secret');
    const none = connectRedis(testRedisConfig(server), silentLogger());
    await expect(untilReady(none, 20_000)).rejects.toThrow('wants a password');
    none.disconnect();
    await redis.config('SET', 'requirepass', '');
  });
});
