import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { BackPressureError, RetriableError } from '../common/errors.ts';
import { partitionOf } from '../common/partition.ts';
import { untilReady } from '../common/redis/connection.ts';
import type { RedisClient } from '../common/redis/connection.ts';
import { createKeys } from '../common/redis/keys.ts';
import { GUARD_CHANGING } from '../common/redis/partition-change.ts';
import { createStreamReader } from '../common/redis/stream-reader.ts';
import { mergeLogsOf } from '../common/log-row.ts';
import { remember } from '../common/testing/remember.ts';
import { startRedis } from '../common/testing/redis-server.ts';
import type { TestRedis } from '../common/testing/redis-server.ts';
import { createAppender } from './append.ts';
import type { PositionedOutcome } from './append.ts';
import type { Outcome } from './outcome.ts';
import { SourceFellBackError } from './source-fell-back.ts';

const PARTITIONS = 4;
const keys = createKeys('t');
let server: TestRedis;
let redis: RedisClient;

beforeAll(async () => {
  server = await startRedis();
  redis = await server.client();
});
beforeEach(async () => {
  await redis.flushall();
});
afterAll(() => server.stop());

function appender(limits: { streamEntriesMax?: number; pendingBytesMax?: number } = {}, client = redis) {
  return createAppender({
    redis: client,
    keys,
    partitions: PARTITIONS,
    streamEntriesMax: 1000,
    pendingBytesMax: 1e6,
    ...limits,
  });
}

const logOutcome = (id: string, eventId: string): Outcome => ({
  kind: 'log',
  log: {
    event_id: eventId,
    transaction_id: id,
    step: 'send',
    branch: '',
    attempt: 1,
    status: 'succeeded',
    event_time: '2026-01-31T09:15:00.000000Z',
    ingest_time: '2026-01-31T09:15:01.000000Z',
    channel: 'file',
    input: 'in',
    business_keys: { no: '주문' },
  },
});

const deadLetter = (eventId: string): Outcome => ({
  kind: 'dead_letter',
  dead_letter: {
    event_id: eventId,
    stage: 'decode',
    input: 'in',
    channel: 'file',
    reason: 'is not JSON',
    ingest_time: '2026-01-31T09:15:01.000000Z',
    raw_base64: 'AA==',
    meta: {},
  },
  issues: [],
});

/** Event ids per partition. */
async function stored(): Promise<{ ids: string[]; entries: number }> {
  const ids: string[] = [];
  let entries = 0;
  for (let partition = 0; partition < PARTITIONS; partition += 1) {
    const reader = createStreamReader(redis, keys.stream(partition, 'log'), 'log', 1e9);
    for (const entry of await reader.read('0-0', 0)) {
      entries += 1;
      const rows = entry.body.toString().trimEnd().split('\n');
      const logs = mergeLogsOf(entry.body, entry.rows);
      expect(logs.every((log) => partitionOf(log.transaction_id, PARTITIONS) === partition)).toBe(true);
      expect(entry.rows).toBe(rows.length);
      ids.push(...logs.map((log) => log.event_id));
    }
  }
  return { ids: ids.sort(), entries };
}

async function deadLetterIds(): Promise<string[]> {
  const ids: string[] = [];
  for (let partition = 0; partition < PARTITIONS; partition += 1) {
    const reader = createStreamReader(redis, keys.stream(partition, 'dead_letter'), 'dead_letter', 1e9);
    for (const entry of await reader.read('0-0', 0)) {
      for (const row of entry.body.toString().trimEnd().split('\n')) {
        ids.push((JSON.parse(row) as { event_id: string }).event_id);
      }
    }
  }
  return ids.sort();
}

/** Puts a partition back to what it is now, as a failover to a replica does that lags behind. */
const rememberPartition = (partition: number) =>
  remember(redis, [keys.stream(partition, 'log'), keys.positions(partition)]);

const many = (from: number, to: number): PositionedOutcome[] =>
  Array.from({ length: to - from }, (_, i) => ({
    outcome: logOutcome(`T${from + i}`, `e${String(from + i).padStart(4, '0')}`),
    end: (from + i + 1) * 10,
  }));
const idsOf = (items: readonly PositionedOutcome[]) =>
  items.map(({ outcome }) => (outcome.kind === 'log' ? outcome.log.event_id : ''));

describe('an append without a position', () => {
  test('puts logs and dead letters into the streams of their partitions', async () => {
    await appender().append([...many(0, 50).map((item) => item.outcome), { kind: 'skip' }, deadLetter('d1')]);
    expect((await stored()).ids).toEqual(idsOf(many(0, 50)));
    expect(await deadLetterIds()).toEqual(['d1']);
  });

  test('travels together with others that wait at the same time', async () => {
    const target = appender();
    await Promise.all(many(0, 200).map((item) => target.append([item.outcome])));
    const { ids, entries } = await stored();
    expect(ids).toEqual(idsOf(many(0, 200)));
    expect(entries).toBeLessThan(20);
  });

  test('is refused while the stream is at its mark, and taken once it is trimmed', async () => {
    const target = appender({ streamEntriesMax: 2 });
    const same = () => target.append([logOutcome('T1', 'x')]);
    await same();
    await same();
    await expect(same()).rejects.toBeInstanceOf(BackPressureError);
    await redis.xtrim(keys.stream(partitionOf('T1', PARTITIONS), 'log'), 'MAXLEN', 0);
    await expect(same()).resolves.toBeUndefined();
  });

  test('is refused when more is waiting for Redis than may wait', async () => {
    const target = appender({ pendingBytesMax: 2_000 });
    const results = await Promise.allSettled(many(0, 100).map((item) => target.append([item.outcome])));
    const refused = results.filter((result) => result.status === 'rejected');
    expect(refused.length).toBeGreaterThan(50);
    expect(refused.every((result) => result.reason instanceof BackPressureError)).toBe(true);
    await expect(target.append([logOutcome('T', 'later')])).resolves.toBeUndefined();
  });

  test('fails retriably while Redis is away, and works again when it is back', async () => {
    const own = await startRedis();
    const client = await own.client();
    const target = appender({}, client);
    await own.kill();
    await expect(target.append([logOutcome('T1', 'a')])).rejects.toBeInstanceOf(RetriableError);
    await own.restart();
    await untilReady(client, 5_000);
    await expect(target.append([logOutcome('T1', 'a')])).resolves.toBeUndefined();
    await own.stop();
  });

  test('is refused whole when Redis has no memory left', async () => {
    await redis.config('SET', 'maxmemory', '1');
    await expect(appender().append([logOutcome('T1', 'a')])).rejects.toBeInstanceOf(BackPressureError);
    await redis.config('SET', 'maxmemory', '0');
    expect((await stored()).ids).toEqual([]);
  });
});

describe('while the number of partitions is being changed', () => {
  test('nothing is taken of a partition that is shut, and all of it afterwards', async () => {
    const target = appender();
    for (let partition = 0; partition < PARTITIONS; partition += 1) {
      await redis.set(keys.guard(partition), GUARD_CHANGING);
    }
    const append = () => target.append(many(0, 50).map((item) => item.outcome));
    await expect(append()).rejects.toBeInstanceOf(BackPressureError);
    expect((await stored()).ids).toEqual([]);
    for (let partition = 0; partition < PARTITIONS; partition += 1) {
      await redis.set(keys.guard(partition), String(PARTITIONS));
    }
    await append();
    expect((await stored()).ids).toEqual(idsOf(many(0, 50)));
  });
});

describe('a source that is read by position', () => {
  test('goes on where it stopped', async () => {
    const first = await appender().openSource('in', 'file1');
    expect(first.lowWater).toBe(0);
    await first.append(many(0, 30), 300);
    const second = await appender().openSource('in', 'file1');
    expect(second.lowWater).toBe(300);
    await second.append(many(30, 40), 400);
    expect((await stored()).ids).toEqual(idsOf(many(0, 40)));
  });

  test('skips in each partition what was appended before the mark of all could be written', async () => {
    const first = await appender().openSource('in', 'file1');
    await first.append(many(0, 30), 300);
    // As after a crash between the partitions' appends and the mark.
    await redis.del(keys.lowWater('in'));
    await redis.hdel(keys.positions(1), 'file1');
    await redis.del(keys.stream(1, 'log'));
    const again = await appender().openSource('in', 'file1');
    expect(again.lowWater).toBe(0);
    await again.append(many(0, 35), 350);
    expect((await stored()).ids).toEqual(idsOf(many(0, 35)));
  });

  test('is not doubled by two processes that read it at the same time with other bounds', async () => {
    const [a, b] = [await appender().openSource('in', 'file1'), await appender().openSource('in', 'file1')];
    await Promise.all([a.append(many(0, 25), 250), b.append(many(0, 40), 400)]);
    await a.append(many(25, 60), 600);
    await b.append(many(40, 60), 600);
    expect((await stored()).ids).toEqual(idsOf(many(0, 60)));
  });

  test('is not set back by a process that comes late with less', async () => {
    const [fast, slow] = [
      await appender().openSource('in', 'file1'),
      await appender().openSource('in', 'file1'),
    ];
    await fast.append(many(0, 40), 400);
    await slow.append(many(0, 25), 250);
    expect((await appender().openSource('in', 'file1')).lowWater).toBe(400);
  });

  test('that Redis has lost the end of is read again from there, by whoever opens it next', async () => {
    const source = await appender().openSource('in', 'file1');
    await source.append(many(0, 30), 300);
    const failOver = await rememberPartition(1);
    await source.append(many(30, 60), 600);
    await source.confirm();
    await failOver();
    await expect(source.append(many(60, 90), 900)).rejects.toMatchObject({ position: 300 });
    expect((await stored()).ids.length).toBeLessThan(90);
    // What was read before the loss was noticed must not move the position past it.
    await expect(source.append(many(90, 99), 990)).rejects.toBeInstanceOf(SourceFellBackError);
    const again = await appender().openSource('in', 'file1');
    expect(again.lowWater).toBe(300);
    await again.append(many(30, 90), 900);
    expect((await stored()).ids).toEqual(idsOf(many(0, 90)));
  });

  test('whose first logs in a partition are lost is read again from its start', async () => {
    const failOver = await rememberPartition(2);
    const source = await appender().openSource('in', 'file1');
    await source.append(many(0, 30), 300);
    await failOver();
    await expect(source.confirm()).rejects.toMatchObject({ position: 0 });
    const again = await appender().openSource('in', 'file1');
    await again.append(many(0, 30), 300);
    expect((await stored()).ids).toEqual(idsOf(many(0, 30)));
  });

  test('has lost nothing when its positions go with the number of partitions that they belonged to', async () => {
    const source = await appender().openSource('in', 'file1');
    await source.append(many(0, 30), 300);
    await redis.hset(keys.meta(), 'partitions', PARTITIONS + 1);
    for (let partition = 0; partition < PARTITIONS; partition += 1)
      await redis.del(keys.positions(partition));
    await source.confirm();
    expect((await appender().openSource('in', 'file1')).lowWater).toBe(300);
    await redis.hset(keys.meta(), 'partitions', PARTITIONS);
    await expect(source.confirm()).rejects.toBeInstanceOf(SourceFellBackError);
  });

  test('keeps the positions of different sources apart', async () => {
    const one = await appender().openSource('in', 'file1');
    await one.append(many(0, 10), 100);
    expect((await appender().openSource('in', 'file2')).lowWater).toBe(0);
  });

  test('moves on over records that give nothing', async () => {
    const source = await appender().openSource('in', 'file1');
    await source.append([{ outcome: { kind: 'skip' }, end: 10 }], 10);
    expect((await appender().openSource('in', 'file1')).lowWater).toBe(10);
  });
});
