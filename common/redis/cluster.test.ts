import { setImmediate } from 'node:timers/promises';
import * as v from 'valibot';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { FatalError, RetriableError } from '../errors.ts';
import { silentLogger } from '../logger.ts';
import { startRedisCluster } from '../testing/redis-cluster.ts';
import type { ClusterNode, TestRedisCluster } from '../testing/redis-cluster.ts';
import { until } from '../testing/until.ts';
import { createClaimNews } from './claim-news.ts';
import { heartbeat } from './claim-scripts.ts';
import { connectBlocking, connectRedis, mastersOf, redisConfigSchema, untilReady } from './connection.ts';
import type { RedisClient, RedisConfig } from './connection.ts';
import { joinDeployment } from './deployment.ts';
import { createKeys } from './keys.ts';
import { reply } from './redis-error.ts';
import { createStreamReader } from './stream-reader.ts';

const keys = createKeys('t');
const stream = keys.stream(1, 'log');
let cluster: TestRedisCluster;
let config: RedisConfig;
let redis: RedisClient;

beforeAll(async () => {
  cluster = await startRedisCluster();
  config = v.parse(redisConfigSchema, { cluster: cluster.addresses, command_timeout: '1s' });
  redis = await cluster.client(config);
});
afterAll(() => cluster.stop());

/** A master that does not serve the stream. */
async function another(): Promise<ClusterNode> {
  const master = await cluster.masterOf(stream);
  return cluster.nodes.find((node) => node !== master && cluster.nodes.indexOf(node) < 3)!;
}

const push = (list: string, value: number) =>
  reply(
    redis.call(
      'EVAL',
      "redis.call('SET', KEYS[2], '') return redis.call('RPUSH', KEYS[1], ARGV[1])",
      2,
      list,
      // A key that is new makes a script on a slot that moves be answered with TRYAGAIN.
      `${list}:${value}`,
      value,
    ),
  );

/** What came of a command: its failure, if it is one that may be repeated. */
const outcome = (command: Promise<unknown>) =>
  command.then(
    () => 'done' as const,
    (error: unknown) => {
      if (!(error instanceof RetriableError)) throw error;
      return 'failed' as const;
    },
  );

test('scripts follow a slot that moves again and again: each takes effect once, or says that it did not', async () => {
  const list = '{1}:moving';
  for (let i = 0; i < 200; i += 1) await redis.set(`{1}:key:${i}`, 'x');
  const done: string[] = [];
  let over = false;
  const moving = (async () => {
    try {
      for (let i = 0; i < 20 || done.length < 200; i += 1) await cluster.moveSlot(stream, await another());
    } finally {
      over = true;
    }
  })();
  const isOver = () => over;
  for (let i = 0; !isOver(); i += 1) {
    if ((await outcome(push(list, i))) === 'done') done.push(String(i));
    // A client whose connection is being made fails at once: without a pause it never would be.
    else await setImmediate();
  }
  await moving;
  expect(await redis.lrange(list, 0, -1)).toEqual(done);
});

test('commands of one turn come to a node together', async () => {
  const { redis: master } = await cluster.masterOf(stream);
  const readsOf = async () => Number(/total_reads_processed:(\d+)/.exec(await master.info('stats'))?.[1]);
  const before = await readsOf();
  await Promise.all(Array.from({ length: 100 }, () => redis.xlen(stream)));
  // Besides, its replica tells it once a second how far it is.
  expect((await readsOf()) - before).toBeLessThan(10);
});

test('a script that the new master of a slot has never seen is sent to it', async () => {
  for (const node of cluster.nodes) await node.redis.script('FLUSH');
  for (let i = 0; i < 2; i += 1) {
    await cluster.moveSlot(stream, await another());
    expect(await heartbeat(redis, '{1}:replicas', 'a', 10_000, false)).toEqual(['a']);
  }
});

test('reads of a stream take one connection; it fails when the stream moves, and another reads on', async () => {
  await redis.xadd(stream, '1-1', 'v', '1', 'n', '1', 'h', '{}', 'logs', '{}\n');
  const before = await connections();
  const first = connectBlocking(redis, config, silentLogger(), stream);
  await untilReady(first, 5_000);
  const read = (client: typeof first, after: string) =>
    createStreamReader(client, stream, 'log', 1e6).read(after, 500);
  expect((await read(first, '0-0')).map((entry) => entry.id)).toEqual(['1-1']);
  await until(
    'one more',
    async () => (await connections()).filter((name) => !before.includes(name)).length === 1,
  );
  const waiting = outcome(read(first, '1-1'));
  await cluster.moveSlot(stream, await another());
  expect([await waiting, await outcome(read(first, '1-1'))]).toContain('failed');
  first.disconnect();
  // The client learns of the move by the next command that is none of the reader's.
  expect(await redis.xlen(stream)).toBe(1);
  const second = connectBlocking(redis, config, silentLogger(), stream);
  await untilReady(second, 5_000);
  await redis.xadd(stream, '1-2', 'v', '1', 'n', '1', 'h', '{}', 'logs', '{}\n');
  expect((await read(second, '1-1')).map((entry) => entry.id)).toEqual(['1-2']);
  second.disconnect();
});

/** Every connection by its node and id. Those on which ioredis reads the table of slots come and go. */
async function connections(): Promise<string[]> {
  const lists = await Promise.all(
    cluster.nodes.map(async ({ id, redis }) =>
      String(await redis.client('LIST'))
        .trim()
        .split('\n')
        .map((line) => `${id} ${line.split(' ')[0]}`),
    ),
  );
  return lists.flat();
}

test('news of claims that one client tells are heard by another, though they be connected to other nodes', async () => {
  const other = await cluster.client(config);
  const [one, two] = [redis, other].map((client) =>
    createClaimNews({ redis: client, redisConfig: config, keys, logger: silentLogger() }),
  );
  let heard = 0;
  two!.listen('g', () => (heard += 1));
  await until('it is heard', () => {
    one!.tell('g');
    return heard > 0;
  });
  one!.stop();
  two!.stop();
});

test('every node must be one that can be trusted with logs, a replica as well', async () => {
  await joinDeployment(redis, keys, 8);
  // A replica that has never been told anything is not listed.
  for (let i = 0; i < 50; i += 1) await redis.set(`key:${i}`, 'x');
  for (const node of cluster.nodes) {
    await node.redis.config('SET', 'maxmemory-policy', 'allkeys-lru');
    const name = `127.0.0.1:${node.server.port} runs with maxmemory-policy allkeys-lru`;
    await until(`${name} is refused`, async () => {
      const error = await joinDeployment(redis, keys, 8).catch((error: unknown) => error);
      return error instanceof FatalError && error.message.includes(name);
    });
    await node.redis.config('SET', 'maxmemory-policy', 'noeviction');
  }
  await joinDeployment(redis, keys, 8);
});

test('a Cluster that cannot be reached, or refuses the user, is named with the reason', async () => {
  const refused = connectRedis({ ...config, username: 'nobody', password: 'x' }, silentLogger());
  const error = await untilReady(refused, 1_000).catch((error: unknown) => error);
  expect(error).toBeInstanceOf(FatalError);
  expect(String((error as FatalError).cause)).toContain('WRONGPASS');
  refused.disconnect();
  const nowhere = connectRedis({ ...config, cluster: ['127.0.0.1:1'] }, silentLogger());
  await expect(untilReady(nowhere, 1_000)).rejects.toBeInstanceOf(RetriableError);
  expect(await outcome(reply(nowhere.get('x')))).toBe('failed');
  nowhere.disconnect();
});

test('a master that falls silent: commands and reads fail in time, its replica takes over, and nothing that was given up comes late', async () => {
  const list = '{1}:silent';
  let last = 0;
  const done: string[] = [];
  const pushNext = async () => {
    last += 1;
    const result = await outcome(push(list, last));
    if (result === 'done') done.push(String(last));
    return result;
  };
  await pushNext();
  const master = await cluster.masterOf(stream);
  const reading = connectBlocking(redis, config, silentLogger(), stream);
  await untilReady(reading, 5_000);
  const replica = await cluster.replicaOf(master);
  // It takes over when it may.
  replica.server.pause();
  master.server.pause();
  // Not an empty answer: that would look like a stream without news.
  expect(await outcome(createStreamReader(reading, stream, 'log', 1e6).read('$', 500))).toBe('failed');
  reading.disconnect();
  await until('a command has failed', async () => (await pushNext()) === 'failed');
  // Who asks every master must not take the others for all.
  await until('it is missed', () => {
    try {
      return mastersOf(redis).length === 0;
    } catch (error) {
      return error instanceof RetriableError;
    }
  });
  replica.server.resume();
  await until('the replica has taken over', async () => (await pushNext()) === 'done');
  master.server.resume();
  await until('it is a replica now', async () =>
    (await master.redis.info('replication')).includes('master_link_status:up'),
  );
  const before = done.length;
  await until('some more are done', async () => (await pushNext()) === 'done' && done.length >= before + 20);
  expect(await redis.lrange(list, 0, -1)).toEqual(done);
  expect(mastersOf(redis)).toHaveLength(3);
});
