import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { ForeignDataError, RetriableError } from '../common/errors.ts';
import { groupsOf } from '../common/redis/groups.ts';
import type { StreamKind } from '../common/redis/keys.ts';
import { openStreams } from '../common/testing/streams.ts';
import type { TestStreams } from '../common/testing/streams.ts';
import { until } from '../common/testing/until.ts';
import { aDeadLetter, aLog } from './testing/rows.ts';
import { aStore } from './testing/store.ts';
import { GROUP, keys, NAME, openLab } from './testing/worker.ts';
import type { Lab } from './testing/worker.ts';

/** Entries of a stream that are none of ours, among some that are. */

let lab: Lab;
let streams: TestStreams;
beforeAll(async () => {
  lab = await openLab();
  streams = openStreams(lab.server.url, 1);
});
beforeEach(() => lab.reset());
afterAll(async () => {
  streams.redis.disconnect();
  await lab[Symbol.asyncDispose]();
});

const logs = (n: number, from = 0) => Array.from({ length: n }, (_, i) => aLog(from + i));
const foreign = (kind: StreamKind) => lab.redis.xadd(keys.stream(0, kind), '*', 'hello', 'world');
const eventId = (id: string | null) => `${keys.stream(0, 'log')}/${id}`;

describe('an entry that is none of ours', () => {
  test('is a dead letter; the batch around it is stored, and what a store refuses is still named by its place', async () => {
    const store = aStore(() => [{ index: 6, reason: 'no room' }]);
    const ids = [await foreign('log')];
    await lab.append('log', logs(5));
    ids.push(await foreign('log'));
    await lab.append('log', logs(5, 5));
    const worker = await lab.work(store.sink);
    await lab.caughtUp();
    expect(store.tried.map(({ rows, chunks }) => [rows, chunks.length])).toEqual([[10, 2]]);
    const [refused, ...undecodable] = await streams.deadLetters();
    expect(JSON.parse(Buffer.from(refused!.raw_base64, 'base64').toString())).toEqual(aLog(6));
    expect(undecodable).toMatchObject(
      ids.map((id) => ({ event_id: eventId(id), stage: 'stream', meta: { reader: `sink ${NAME}` } })),
    );
    expect(await worker.counted('tranweave_sink_undecodable_entries_total')).toBe(2);
    expect(await worker.counted('tranweave_sink_rows_total')).toBe(9);
    await worker.stop();
  });

  test('does not change the batch that is repeated by another owner', async () => {
    const first = aStore(() => {
      throw new RetriableError('down');
    });
    await lab.append('log', logs(4), 2);
    const id = await foreign('log');
    await lab.append('log', logs(4, 4), 2);
    const former = await lab.work(first.sink);
    await until('it was tried', () => first.tried.length > 0);
    await former.stop();
    await foreign('log');
    const second = aStore();
    const latter = await lab.work(second.sink, { replica: 'b' });
    await lab.caughtUp();
    // But for the fence, which says who brings it, and that it may have come before.
    expect({ ...second.tried[0], fence: 0, repeated: false }).toEqual({ ...first.tried[0], fence: 0 });
    expect((await streams.deadLetters())[0]!.event_id).toBe(eventId(id));
    expect(await latter.counted('tranweave_sink_undecodable_entries_total')).toBe(2);
    await latter.stop();
  });

  test('alone is no batch for the store, and is passed nevertheless', async () => {
    const store = aStore();
    for (let i = 0; i < 20; i += 1) await foreign('log');
    const worker = await lab.work(store.sink, { batch: { rows_max: 7 } });
    await lab.caughtUp();
    expect([store.tried.length, (await streams.deadLetters()).length]).toEqual([0, 20]);
    await worker.stop();
  });

  test('in the dead-letter stream is left out and counted: a letter of it would come back for ever', async () => {
    const store = aStore();
    await lab.append('dead_letter', [aDeadLetter(1)]);
    await foreign('dead_letter');
    await lab.append('dead_letter', [aDeadLetter(2)]);
    const worker = await lab.work(store.sink, { kind: 'dead_letter' });
    await lab.caughtUp('dead_letter');
    expect(store.rows()).toBe(2);
    expect(await worker.counted('tranweave_sink_undecodable_entries_total')).toBe(1);
    expect(await lab.redis.xlen(keys.stream(0, 'dead_letter'))).toBe(3);
    await worker.stop();
  });
});

test.each(['nonsense', '{"token":1}'])(
  'a manifest that is not ours (%s) stops the work, and harms nothing',
  async (text) => {
    await lab.append('log', logs(3));
    await lab.redis.set(keys.manifest(0, 'log', GROUP), text);
    const store = aStore();
    const worker = await lab.work(store.sink);
    await expect(worker.done).rejects.toThrow(ForeignDataError);
    await expect(worker.done).rejects.toThrow(keys.manifest(0, 'log', GROUP));
    const [group] = await groupsOf(lab.redis, keys.stream(0, 'log'));
    expect([store.tried.length, group?.entries_read]).toEqual([0, 0]);
  },
);
