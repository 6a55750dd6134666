import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { groupsOf } from '../common/redis/groups.ts';
import { startRedis } from '../common/testing/redis-server.ts';
import type { TestRedis } from '../common/testing/redis-server.ts';
import type { TestRole } from '../common/testing/role.ts';
import { until } from '../common/testing/until.ts';
import { idsIn, keys, openRig } from './testing/rig.ts';
import type { Rig } from './testing/rig.ts';

/** What is not ours under our keys and in our streams. The line cited is one of docs/redis-streams.md. */

const LOG = keys.stream(0, 'log');
const ids = idsIn(0, 20);
const elsewhere = idsIn(1, 5);
let server: TestRedis;
let rig: Rig;

beforeAll(async () => {
  server = await startRedis();
  rig = await openRig(server);
});
beforeEach(() => rig.reset());
afterAll(async () => {
  await rig[Symbol.asyncDispose]();
  await server.stop();
});

const lost = (processor: TestRole) => processor.metric('tranweave_processor_lost_entries_total');
const errors = (processor: TestRole) => processor.lines.filter(({ level }) => level === 'error');
const group = async () => (await groupsOf(rig.redis, LOG))[0];

describe('R8: something else in the place of a stream', () => {
  const isNamed = (processor: TestRole) =>
    until('/readyz names it', async () => (await processor.reasons()).join().includes('partition 0: '));

  test.each([
    ['by SET', () => rig.redis.set(LOG, 'not ours')],
    ['in a transaction', () => rig.redis.multi().del(LOG).sadd(LOG, 'not ours').exec()],
    [
      'by RENAME',
      async () => {
        await rig.redis.hset('other', 'not', 'ours');
        await rig.redis.rename('other', LOG);
      },
    ],
  ])('%s stops its partition with an alarm and no other, until it is gone', async (_, replace) => {
    await using processor = await rig.start();
    await rig.send(ids, 'send');
    await rig.caughtUp();
    await replace();
    await isNamed(processor);
    await rig.send(elsewhere, 'send');
    await rig.send(elsewhere, 'receive');
    await rig.completed(elsewhere);
    expect(await processor.metric('tranweave_processor_stopped_partitions')).toBe(1);
    expect(errors(processor)).toMatchObject([
      {
        partition: 0,
        error: expect.stringContaining(LOG),
        msg: expect.stringContaining('somebody has to look'),
      },
    ]);
    await rig.redis.del(LOG);
    await rig.send(ids, 'receive');
    await rig.completed(ids);
    await until('it is ready', async () => (await processor.reasons()).length === 0);
    expect(await processor.metric('tranweave_processor_stopped_partitions')).toBe(0);
    expect([await rig.doubled(), await lost(processor), processor.isRunning()]).toEqual([[], 1, true]);
  });

  test('by SWAPDB does so as well', async () => {
    await using processor = await rig.start();
    await rig.redis.select(1);
    await rig.redis.set(LOG, 'not ours');
    await rig.redis.select(0);
    await rig.redis.swapdb(0, 1);
    await isNamed(processor);
    await rig.send(elsewhere, 'send');
    await rig.send(elsewhere, 'receive');
    await rig.completed(elsewhere);
    await rig.redis.swapdb(0, 1);
    await rig.send(ids, 'send');
    await rig.send(ids, 'receive');
    await rig.completed(ids);
    expect([await rig.doubled(), processor.isRunning()]).toEqual([[], true]);
  });

  test('that is there already when a processor starts does not keep it from the other partitions', async () => {
    await rig.redis.set(LOG, 'not ours');
    await using processor = await rig.start();
    await isNamed(processor);
    await rig.send(elsewhere, 'send');
    await rig.send(elsewhere, 'receive');
    await rig.completed(elsewhere);
    await rig.redis.del(LOG);
    await rig.send(ids, 'send');
    await rig.send(ids, 'receive');
    await rig.completed(ids);
  });

  test.each([
    ['the summaries', keys.stream(0, 'summary')],
    ['the deadlines', keys.deadlines(0)],
    ['a transaction', keys.transaction(0, ids[0]!)],
  ])('or of %s does the same, and takes no effect by halves', async (_, key) => {
    await using processor = await rig.start({ config: { cached_transactions_max: 0 } });
    await rig.redis.del(key);
    await rig.redis.set(key, 'not ours');
    await rig.send(ids, 'send');
    await isNamed(processor);
    expect((await processor.reasons()).join()).toContain(key);
    expect([
      await rig.redis.exists(ids.slice(1).map((id) => keys.transaction(0, id))),
      (await group())?.entries_read,
    ]).toEqual([0, 0]);
    await rig.redis.del(key);
    await rig.send(ids, 'receive');
    await rig.completed(ids);
    expect([await rig.doubled(), await lost(processor)]).toEqual([[], 0]);
  });
});

describe('an entry that is none of ours', () => {
  const row = (id: string, more: unknown[] = []) => [
    id,
    'send',
    'succeeded',
    '2026-01-31T09:15:00.000000Z',
    'e',
    ...more,
  ];
  const entry = (...rows: unknown[][]) => {
    const body = rows.map((one) => `${JSON.stringify(one)}\n`).join('');
    return ['v', '1', 'n', String(rows.length), 'logs', body];
  };
  const BROKEN: [string, (string | Buffer)[]][] = [
    ['of somebody else', ['hello', 'world']],
    ['of another version', ['v', '2', 'n', '1', 'logs', '[]\n']],
    ['with rows that are objects', ['v', '1', 'n', '1', 'logs', '{}\n']],
    ['with a row that is no JSON', ['v', '1', 'n', '1', 'logs', 'nonsense\n']],
    ['with fewer rows than it says', ['v', '1', 'n', '2', 'logs', `${JSON.stringify(row('Tone'))}\n`]],
    ['with a log that has no step', entry(['T', null, 'succeeded', '2026-01-31T09:15:00.000000Z', 'e'])],
    ['with a sound log and one that is not', entry(row('Tsound'), row('Tnot', [null, 5]))],
    ['with bytes that are no text', ['v', Buffer.from([0xff, 0xfe])]],
  ];

  test('is a dead letter, whole, and those around it go on', async () => {
    await using processor = await rig.start();
    await rig.send(ids.slice(0, 10), 'send');
    const added: string[] = [];
    for (const [, fields] of BROKEN) added.push((await rig.redis.xadd(LOG, '*', ...fields))!);
    await rig.send(ids.slice(0, 10), 'receive');
    await rig.completed(ids.slice(0, 10));
    await rig.caughtUp();
    const letters = await rig.streams.deadLetters();
    expect(letters.map(({ event_id }) => event_id)).toEqual(added.map((id) => `${LOG}/${id}`));
    for (const [index, [, fields]] of BROKEN.entries()) {
      const { raw_base64, ...letter } = letters[index]!;
      expect(letter).toMatchObject({ stage: 'stream', meta: { stream: LOG, reader: 'processor' } });
      const raw = JSON.parse(Buffer.from(raw_base64, 'base64').toString()) as {
        id: string;
        fields: unknown[][];
      };
      const bytesOf = (value: unknown) =>
        typeof value === 'string'
          ? Buffer.from(value)
          : Buffer.from((value as { base64: string }).base64, 'base64');
      expect(raw.id).toBe(added[index]);
      expect(raw.fields.flat().map(bytesOf)).toEqual(fields.map((field) => Buffer.from(field)));
    }
    expect(await processor.metric('tranweave_processor_undecodable_entries_total')).toBe(BROKEN.length);
    expect(processor.lines.some(({ level, msg }) => level === 'warn' && msg.includes('none of ours'))).toBe(
      true,
    );
    expect([await rig.doubled(), await lost(processor), processor.isRunning()]).toEqual([[], 0, true]);
    // Of the entry with a sound log as well: all or nothing.
    expect(await rig.redis.exists(keys.transaction(0, 'Tsound'))).toBe(0);
  });

  test('is not committed by halves: while the dead letters cannot be kept, the logs beside it wait', async () => {
    await rig.redis.xadd(LOG, '*', 'hello', 'world');
    await rig.send(ids, 'send');
    await rig.redis.set(keys.stream(0, 'dead_letter'), 'not ours');
    await using processor = await rig.start();
    await until('it is told', async () => (await processor.reasons()).length > 0);
    expect([(await group())?.entries_read, await rig.redis.exists(keys.transaction(0, ids[0]!))]).toEqual([
      0, 0,
    ]);
    await rig.redis.del(keys.stream(0, 'dead_letter'));
    await rig.caughtUp();
    expect([(await rig.streams.deadLetters()).length, await rig.doubled()]).toEqual([1, []]);
  });
});
