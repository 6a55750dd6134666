import { appendFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { systemClock } from '../../../common/clock.ts';
import { untilReady } from '../../../common/redis/connection.ts';
import { startRedisCluster } from '../../../common/testing/redis-cluster.ts';
import { remember } from '../../../common/testing/remember.ts';
import { startRedis } from '../../../common/testing/redis-server.ts';
import {
  appendLines,
  inFoldersOfTheirOwn,
  hastyClock,
  keys,
  line,
  PARTITIONS,
  until,
  untilStored,
} from './fixture.ts';
import type { Fixture } from './fixture.ts';

/** What a failover leaves: replicas follow asynchronously, so the new master may lack the end of what the old one had. */

let fixture: Fixture;
let dir: string;
let log: string;

inFoldersOfTheirOwn((given) => {
  ({ fixture, dir, log } = given);
});

const EVERY = Array.from({ length: PARTITIONS }, (_, partition) => partition);
const stored = (ids: readonly string[]) => untilStored(fixture, ids);
const rememberPartitions = (partitions: readonly number[]) =>
  remember(
    fixture.redis,
    partitions.flatMap((partition) => [keys.stream(partition, 'log'), keys.positions(partition)]),
  );

describe('when Redis has lost the end of what it had taken', () => {
  test('in one partition, it is collected again, and what the others kept is not', async () => {
    const ids = await appendLines(log, 'a', 0, 30);
    const { failures } = await fixture.start(dir, { config: { batch_bytes_max: '1KiB' } });
    await stored(ids);
    const failOver = await rememberPartitions([1]);
    ids.push(...(await appendLines(log, 'a', 30, 90)));
    await stored(ids);
    await failOver();
    expect((await fixture.ids()).length).toBeLessThan(ids.length);
    ids.push(...(await appendLines(log, 'a', 90, 150)));
    await stored(ids);
    expect(failures).toEqual([]);
  });

  test('from different places in several, and from the first log on in another', async () => {
    const ids: string[] = [];
    const { failures } = await fixture.start(dir, { config: { batch_bytes_max: '1KiB' } });
    const gone = await rememberPartitions([0]);
    ids.push(...(await appendLines(log, 'a', 0, 40)));
    await stored(ids);
    const earlier = await rememberPartitions([1]);
    ids.push(...(await appendLines(log, 'a', 40, 80)));
    await stored(ids);
    const later = await rememberPartitions([2]);
    ids.push(...(await appendLines(log, 'a', 80, 120)));
    await stored(ids);
    for (const failOver of [gone, earlier, later]) await failOver();
    ids.push(...(await appendLines(log, 'a', 120, 160)));
    await stored(ids);
    expect(failures).toEqual([]);
  });

  test('of a file that does not grow any more, it is collected again all the same', async () => {
    const ids = await appendLines(log, 'a', 0, 30);
    // A last line without its newline is the same record when it is read again.
    await appendFile(log, line('a9999'));
    ids.push('a9999');
    const start = systemClock.now();
    const clock = { ...hastyClock, now: () => start + (systemClock.now() - start) * 100 };
    const failOver = await rememberPartitions(EVERY);
    await fixture.start(dir, { deps: { clock } });
    await stored(ids);
    await failOver();
    await stored(ids);
  });

  test('since its machine died, nothing of any file is missing', async () => {
    await using own = await startRedis({ appendonly: false });
    const redis = await own.client();
    const { input, failures } = await fixture.start(dir, { redis, config: { batch_bytes_max: '2KiB' } });
    const ids: string[] = [];
    for (const name of ['a', 'b', 'c'])
      ids.push(...(await appendLines(join(dir, `${name}.log`), name, 0, 50)));
    const allStored = () => until(async () => expect(await fixture.ids(redis)).toEqual([...ids].sort()));
    await allStored();
    await redis.save();
    for (const name of ['a', 'b', 'd'])
      ids.push(...(await appendLines(join(dir, `${name}.log`), name, 50, 90)));
    await allStored();
    await own.kill();
    await own.restart();
    await untilReady(redis, 5_000);
    expect((await fixture.ids(redis)).length).toBe(150);
    for (const name of ['a', 'b', 'd'])
      ids.push(...(await appendLines(join(dir, `${name}.log`), name, 90, 120)));
    await allStored();
    expect(failures).toEqual([]);
    await input.stop();
  });

  test('in a failover of a Redis Cluster, nothing of any file is missing', async () => {
    await using cluster = await startRedisCluster();
    const redis = await cluster.client();
    const { input, failures } = await fixture.start(dir, { redis, config: { batch_bytes_max: '2KiB' } });
    const ids = await appendLines(log, 'a', 0, 50);
    const allStored = () =>
      until(async () => expect(await fixture.ids(redis)).toEqual([...ids].sort()), 20_000);
    await allStored();
    const master = await cluster.masterOf(keys.stream(1, 'log'));
    await cluster.failOver(master, async () => {
      ids.push(...(await appendLines(log, 'a', 50, 90)));
      await allStored();
    });
    expect((await fixture.ids(redis)).length).toBeLessThan(90);
    ids.push(...(await appendLines(log, 'a', 90, 120)));
    await allStored();
    expect(failures).toEqual([]);
    await input.stop();
  });
});
