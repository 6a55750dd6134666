import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { groupsOf, PROCESSOR_GROUP, streamInfo } from '../common/redis/groups.ts';
import { startRedis } from '../common/testing/redis-server.ts';
import type { TestRedis } from '../common/testing/redis-server.ts';
import type { TestRole } from '../common/testing/role.ts';
import { until } from '../common/testing/until.ts';
import { idsIn, keys, openRig } from './testing/rig.ts';
import type { Rig } from './testing/rig.ts';

/** What others may do to the streams under a running processor. The lines cited are those of docs/redis-streams.md. */

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
const isTold = (processor: TestRole) => until('the loss is told', async () => (await lost(processor)) > 0);
const errors = (processor: TestRole) => processor.lines.filter(({ level }) => level === 'error');
const group = async () => (await groupsOf(rig.redis, LOG))[0];

/** Both steps of some of the transactions before, and of the others after `between`. */
async function sendAround(processor: TestRole, between: () => Promise<unknown>): Promise<void> {
  await rig.send(ids.slice(0, 10), 'send');
  await rig.caughtUp();
  await between();
  await rig.send(ids.slice(0, 10), 'receive');
  await rig.send(ids.slice(10), 'send');
  await rig.send([...ids.slice(10), ...elsewhere], 'receive');
  await rig.send(elsewhere, 'send');
  await rig.completed([...ids, ...elsewhere]);
  expect([await rig.doubled(), processor.isRunning()]).toEqual([[], true]);
}

describe('a group', () => {
  test('R6: that is destroyed is made again where its reader stands: nothing is lost, nothing comes twice', async () => {
    await using processor = await rig.start();
    await sendAround(processor, () => rig.redis.xgroup('DESTROY', LOG, PROCESSOR_GROUP));
    await rig.caughtUp();
    expect([await lost(processor), (await group())?.entries_read]).toEqual([0, 40]);
  });

  test('R6: that is destroyed while nothing comes is made again, and told', async () => {
    await using processor = await rig.start();
    await rig.send(ids, 'send');
    await rig.caughtUp();
    const before = await group();
    await rig.redis.xgroup('DESTROY', LOG, PROCESSOR_GROUP);
    await until('it is there again', async () => (await group()) !== undefined);
    expect(await group()).toEqual(before);
    expect([await lost(processor), errors(processor)[0]?.msg]).toEqual([
      0,
      expect.stringContaining('destroyed'),
    ]);
  });

  test('R15: that is there when a role starts is left where it stands', async () => {
    await rig.send(ids, 'send');
    const [first] = await rig.redis.xrange(LOG, '-', '+', 'COUNT', 1);
    await rig.redis.xgroup('SETID', LOG, PROCESSOR_GROUP, first![0], 'ENTRIESREAD', '1');
    await using processor = await rig.start();
    await rig.caughtUp();
    const merged = new Set((await rig.streams.summaries()).map((s) => s.transaction_id));
    expect([merged.size, merged.has(ids[0]!), await lost(processor)]).toEqual([19, false, 0]);
  });

  test('R16: that is moved by hand stands where its reader does after the next logs, and nothing is counted twice', async () => {
    await using processor = await rig.start();
    await sendAround(processor, async () => {
      await rig.redis.xgroup('SETID', LOG, PROCESSOR_GROUP, '0');
      await rig.redis.xgroup('SETID', LOG, PROCESSOR_GROUP, '$');
      await rig.redis.xgroup('SETID', LOG, PROCESSOR_GROUP, '0');
    });
    await rig.caughtUp();
    expect([(await group())?.entries_read, await lost(processor)]).toEqual([40, 0]);
  });

  test('R16: that was moved back while nobody worked lets logs come again, which changes nothing', async () => {
    const sinks = [{ name: 'behind', streams: ['log'] as const }];
    // A group that has read nothing: the logs stay where they are.
    await rig.redis.xgroup('CREATE', LOG, 'sink:behind', '0');
    await using first = await rig.start({ sinks });
    await rig.send(ids, 'send');
    await until('all are merged', async () => (await group())?.entries_read === 20);
    await first.stop();
    await rig.redis.xgroup('SETID', LOG, PROCESSOR_GROUP, '0');
    await using second = await rig.start({ sinks });
    await until('all came again', async () => (await group())?.entries_read === 20);
    expect([
      (await rig.streams.summaries()).length,
      await second.metric('tranweave_processor_logs_total'),
    ]).toEqual([20, 20]);
  });

  test('R18, R20, R28: has no consumers and no pending entries, so none can pile up, be lost or hide', async () => {
    await using processor = await rig.start();
    await rig.send(ids, 'send');
    await rig.caughtUp();
    expect(await rig.redis.xinfo('CONSUMERS', LOG, PROCESSOR_GROUP)).toEqual([]);
    expect(await rig.redis.xpending(LOG, PROCESSOR_GROUP)).toEqual([0, null, null, null]);
    expect(processor.isRunning()).toBe(true);
  });
});

describe('a stream', () => {
  test.each([
    ['deleted', () => rig.redis.del(LOG)],
    ['renamed', () => rig.redis.rename(LOG, 'away')],
  ])('R7, R10: that is %s is told, and what comes later is merged', async (_, take) => {
    await using processor = await rig.start();
    await sendAround(processor, async () => {
      await take();
      await isTold(processor);
    });
    await rig.caughtUp();
    expect([await lost(processor), errors(processor)[0]?.msg, (await group())?.entries_read]).toEqual([
      1,
      expect.stringContaining('nobody can say how many'),
      30,
    ]);
  });

  test('R7: that is deleted and begins anew at once is told as well', async () => {
    await using processor = await rig.start();
    await sendAround(processor, () => rig.redis.del(LOG));
    await isTold(processor);
    await rig.caughtUp();
    expect([await lost(processor), errors(processor)[0]?.msg]).toEqual([
      1,
      expect.stringContaining('nobody can say how many'),
    ]);
  });

  test('R7: that begins anew with lower ids, the clock having gone back, is read from its beginning', async () => {
    await using processor = await rig.start();
    // As far ahead as the clock was wrong.
    await rig.redis.xadd(LOG, `${Date.now() + 3_600_000}-0`, 'v', 'somebody else');
    await until('it is read', async () => (await group())?.entries_read === 1);
    await rig.redis.del(LOG);
    await rig.send(ids, 'send');
    await rig.send(ids, 'receive');
    await rig.completed(ids);
    expect([await rig.doubled(), await lost(processor), processor.isRunning()]).toEqual([[], 1, true]);
  });

  test('R7: of a Redis that is flushed is told: claims, groups and what was recorded are made anew', async () => {
    await using processor = await rig.start();
    await rig.send(ids, 'send');
    await rig.caughtUp();
    await rig.redis.flushall();
    await isTold(processor);
    await rig.send(ids, 'send');
    await rig.send(ids, 'receive');
    await rig.completed(ids);
    expect([await rig.doubled(), await rig.redis.hget(keys.meta(), 'partitions')]).toEqual([[], '2']);
    expect(errors(processor).map(({ msg }) => msg)).toEqual(
      // Who looks first says it: whoever starts over, or whoever still reads.
      Array.from({ length: 2 }, () => expect.stringMatching(/the group was missing|the stream was deleted/)),
    );
  });

  test('R7: of a database that is swapped for another and back is worked on again where it was left', async () => {
    await using processor = await rig.start();
    await rig.send(ids, 'send');
    await rig.caughtUp();
    await rig.redis.swapdb(0, 1);
    await isTold(processor);
    await rig.send(elsewhere, 'send');
    await rig.caughtUp();
    await rig.redis.swapdb(0, 1);
    await rig.send(ids, 'receive');
    await rig.completed(ids);
    expect([await rig.doubled(), processor.isRunning()]).toEqual([[], true]);
  });

  test('R9: in whose place another with data is put is read from where the reader stands, and told', async () => {
    await rig.send(ids, 'receive');
    const others = await rig.redis.xrange(LOG, '-', '+');
    await rig.reset();
    await using processor = await rig.start();
    await rig.send(ids, 'send');
    await rig.caughtUp();
    for (const [, fields] of others) await rig.redis.xadd('other', '*', ...fields);
    await rig.redis.rename('other', LOG);
    await rig.completed(ids);
    await isTold(processor);
    await rig.caughtUp();
    expect([await rig.doubled(), await lost(processor), processor.isRunning()]).toEqual([[], 1, true]);
  });

  test('R14: that ran dry goes on with greater ids, and is read on', async () => {
    await using processor = await rig.start();
    await rig.send(ids, 'send');
    await until('it is empty', async () => (await rig.redis.xlen(LOG)) === 0 && (await group())?.lag === 0);
    const before = await streamInfo(rig.redis, LOG);
    await expect(rig.redis.xadd(LOG, before!.last_id, 'v', '1')).rejects.toThrow('equal or smaller');
    await rig.send(ids, 'receive');
    await rig.completed(ids);
    expect([await rig.doubled(), await lost(processor)]).toEqual([[], 0]);
  });

  test('R14: whose ids are ahead, since the clock was and went back, goes on; no deadline passes early', async () => {
    await using processor = await rig.start();
    await rig.send(ids.slice(0, 10), 'send');
    await rig.caughtUp();
    // Further than any deadline of theirs.
    const ahead = Date.now() + 48 * 3_600_000;
    await rig.redis.xadd(LOG, `${ahead}-0`, 'v', 'somebody else');
    await rig.send(ids.slice(10), 'send');
    await rig.caughtUp();
    expect((await streamInfo(rig.redis, LOG))?.last_id).toBe(`${ahead}-10`);
    await rig.send(ids, 'receive');
    await rig.completed(ids);
    const summaries = await rig.streams.summaries();
    expect(summaries.filter(({ late, status }) => late || status === 'timed_out')).toEqual([]);
    expect([await rig.doubled(), processor.isRunning()]).toEqual([[], true]);
  });

  test('R19: whose entries are trimmed and deleted unread is told exactly, while more comes', async () => {
    await rig.send(ids, 'send');
    await rig.redis.xtrim(LOG, 'MAXLEN', 18);
    // A group that reads nothing, so that the reader always has entries before and behind it.
    await rig.redis.xgroup('CREATE', LOG, 'sink:behind', '0');
    await using processor = await rig.start({ sinks: [{ name: 'behind', streams: ['log'] }] });
    const feeding = new AbortController();
    const feed = async () => {
      for (let i = 0; !feeding.signal.aborted; i += 1)
        await rig.send([elsewhere[0]!, ids[5]!], `extra${i % 50}`);
    };
    const fed = feed();
    try {
      await until('what was trimmed is told', async () => (await lost(processor)) === 2);
      const gone =
        "for _ = 1, 3 do redis.call('XDEL', KEYS[1], redis.call('XADD', KEYS[1], '*', 'v', '1')) end";
      await rig.redis.eval(gone, 1, LOG);
      await until('what was deleted is told', async () => (await lost(processor)) === 5);
    } finally {
      feeding.abort();
      await fed;
    }
    await until('all is merged', async () => {
      const [info, position] = [await streamInfo(rig.redis, LOG), await group()];
      return position?.last_delivered_id === info?.last_id && position?.entries_read === info?.entries_added;
    });
    expect(await lost(processor)).toBe(5);
  });
});
