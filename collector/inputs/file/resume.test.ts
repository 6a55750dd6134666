import { chmod, open } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { RedisClient } from '../../../common/redis/connection.ts';
import { startRedis } from '../../../common/testing/redis-server.ts';
import {
  appendLines,
  inFoldersOfTheirOwn,
  failing,
  keys,
  line,
  plainPipeline,
  until,
  untilStored,
} from './fixture.ts';
import type { Fixture, Running } from './fixture.ts';

let fixture: Fixture;
let dir: string;
let log: string;

inFoldersOfTheirOwn((given) => {
  ({ fixture, dir, log } = given);
});

const stored = (ids: readonly string[]) => untilStored(fixture, ids);

describe('a file input that is stopped', () => {
  test('goes on in the middle of the file, with the header of its first record', async () => {
    const ids = await appendLines(log, 'a', 0, 500);
    const first = await fixture.start(dir, { config: { batch_bytes_max: '2KiB' } });
    await until(async () => expect((await fixture.ids()).length).toBeGreaterThan(50));
    await first.input.stop();
    const before = (await fixture.ids()).length;
    expect(before).toBeLessThan(500);
    const headers = new Set<string>();
    await fixture.start(dir, {
      deps: { pipeline: plainPipeline((record) => headers.add(`${String(record.header)} ${record.first}`)) },
    });
    await stored(ids);
    expect([...headers]).toEqual([`${line('a0000')} false`]);
  });

  test('while another one starts on the same files: each line comes once', async () => {
    const ids: string[] = [];
    for (let i = 0; i < 10; i += 1) ids.push(...(await appendLines(join(dir, `${i}.log`), `${i}-`, 0, 40)));
    const [one] = await Promise.all([
      fixture.start(dir, { config: { batch_bytes_max: '1000B' } }),
      fixture.start(dir, { config: { batch_bytes_max: '1700B' } }),
    ]);
    for (let i = 0; i < 10; i += 1) ids.push(...(await appendLines(join(dir, `${i}.log`), `${i}-`, 40, 80)));
    await stored(ids);
    await one.input.stop();
    ids.push(...(await appendLines(join(dir, 'new.log'), 'new', 0, 40)));
    await stored(ids);
    const known = await fixture.redis.hkeys(keys.sources('in'));
    expect(known).toHaveLength(11);
  });

  test('appends nothing afterwards, and may be stopped twice, and before it was started', async () => {
    const { input } = await fixture.start(dir);
    await Promise.all([input.stop(), input.stop()]);
    await input.stop();
    expect(input.trouble()).toContain('stopping');
    await appendLines(log, 'a', 0, 3);
    const never = fixture.create(dir);
    await never.input.stop();
    await never.input.start();
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(await fixture.ids()).toEqual([]);
  });
});

describe('while Redis', () => {
  test('is away, files wait, and everything comes once when it is back', async () => {
    await using own = await startRedis();
    const redis = await own.client();
    const away = await createOn(redis);
    const ids = await appendLines(log, 'a', 0, 20);
    await until(async () => expect(await away.metric('tranweave_collector_logs_total')).toBe(20));
    await own.kill();
    ids.push(...(await appendLines(log, 'a', 20, 60)));
    await until(() => expect(away.input.trouble()).toContain('Redis cannot be reached'));
    ids.push(...(await appendLines(join(dir, 'b.log'), 'b', 0, 20)));
    await own.restart();
    await until(async () => expect(await fixture.ids(redis)).toEqual(ids.sort()));
    expect(away.input.trouble()).toBeUndefined();
    expect(await away.metric('tranweave_collector_back_pressure_total')).toBeGreaterThan(0);
    expect(away.failures).toEqual([]);
    await away.input.stop();
  });

  test('is full, files wait where they are, and stopping does not wait for it', async () => {
    const ids = await appendLines(log, 'a', 0, 200);
    const { input, ...running } = await fixture.start(dir, {
      streamEntriesMax: 3,
      config: { batch_bytes_max: '1KiB' },
    });
    await until(() => expect(input.trouble()).toContain('is full'));
    expect(await running.metric('tranweave_collector_behind_bytes')).toBeGreaterThan(0);
    await input.stop();
    await fixture.start(dir);
    await stored(ids);
  });

  test('hangs, a stop that is forced does not', async () => {
    await appendLines(log, 'a', 0, 5);
    let called = false;
    const hanging = failing(fixture.redis, () => {
      called = true;
      return 'hang';
    });
    const { input, force } = await fixture.start(dir, { redis: hanging });
    await until(() => called);
    const stopping = input.stop();
    force.abort();
    await stopping;
  });

  async function createOn(redis: RedisClient): Promise<Running> {
    return fixture.start(dir, { redis });
  }
});

describe('a file that cannot be read', () => {
  const refused = () =>
    Object.assign(new Error('EACCES: permission denied'), { code: 'EACCES', syscall: 'open' });

  test('is read when it can be, without a restart', async () => {
    const ids = await appendLines(log, 'a', 0, 3);
    ids.push(...(await appendLines(join(dir, 'b.log'), 'b', 0, 3)));
    let readable = false;
    let attempts = 0;
    const { failures } = await fixture.start(dir, {
      open: async (path) => {
        if (path === log) attempts += 1;
        if (path === log && !readable) throw refused();
        return open(path, 'r');
      },
    });
    await stored(ids.slice(3));
    await until(() => attempts > 3);
    readable = true;
    await stored(ids);
    expect(failures).toEqual([]);
  });

  // Root may read everything.
  test.skipIf(process.getuid?.() === 0)('is read once its permissions allow it', async () => {
    const ids = await appendLines(log, 'a', 0, 3);
    await chmod(log, 0);
    await fixture.start(dir);
    await new Promise((resolve) => setTimeout(resolve, 100));
    await chmod(log, 0o644);
    await stored(ids);
  });

  test('since too many are open is read when there is room', async () => {
    const ids = await appendLines(log, 'a', 0, 3);
    let room = 3;
    await fixture.start(dir, {
      open: async (path) => {
        room -= 1;
        if (room > 0) throw Object.assign(new Error('EMFILE'), { code: 'EMFILE', syscall: 'open' });
        return open(path, 'r');
      },
    });
    await stored(ids);
  });
});
