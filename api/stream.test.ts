import { connect } from 'node:net';
import { once } from 'node:events';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { until } from '../common/testing/until.ts';
import { openEventStream } from './testing/event-stream.ts';
import type { EventStream, StreamEvent } from './testing/event-stream.ts';
import { createApiRig } from './testing/rig.ts';
import type { ApiRig, RunningApi } from './testing/rig.ts';

/** `GET /v1/stream` on a real Redis whose streams the test fills and trims itself. */

let rig: ApiRig;
let api: RunningApi;
let opened: EventStream[];
beforeAll(async () => {
  rig = await createApiRig();
  api = await rig.start();
  opened = [];
});
afterEach(async () => {
  await Promise.all(opened.splice(0).map((stream) => stream[Symbol.asyncDispose]()));
});
afterAll(async () => {
  await api[Symbol.asyncDispose]();
  await rig[Symbol.asyncDispose]();
});

async function open(query = '', lastId?: string, url = api.url): Promise<EventStream> {
  const headers = lastId === undefined ? {} : { 'last-event-id': lastId };
  const stream = await openEventStream(`${url}/v1/stream${query}`, headers);
  opened.push(stream);
  return stream;
}

const close = (stream: EventStream) => stream[Symbol.asyncDispose]();
const ids = (events: readonly StreamEvent[]) =>
  events.filter(({ event }) => event === 'summary').map(({ data }) => String(data['transaction_id']));
/** For what comes from several partitions. */
const sorted = (texts: readonly string[]) => texts.toSorted((a, b) => (a < b ? -1 : 1));

describe('a stream', () => {
  test('tells what changes from now on, in each partition in order', async () => {
    await rig.publish(0, ['before']);
    const stream = await open();
    await rig.publish(0, ['A1', 'A2']);
    await rig.publish(1, ['B1']);
    await rig.publish(0, ['A3']);
    const events = await stream.named('summary', 4);
    expect(ids(events).filter((id) => id !== 'B1')).toEqual(['A1', 'A2', 'A3']);
    expect(events[0]!.data).toMatchObject({ interface_id: 'shop-order', status: 'completed', steps: [] });
    expect(stream.headers.get('ratelimit')).toMatch(/^"minute";r=\d+;t=\d+$/);
  });

  test('leaves out what is not asked for, and goes on behind it all the same', async () => {
    const stream = await open('?interface=stock&interface=price&status=failed&key.order_no=SO-1');
    const key = { business_keys: { order_no: 'SO-1' } };
    await rig.publish(0, ['other interface'], { status: 'failed', ...key });
    await rig.publish(0, ['other status'], { interface_id: 'stock', ...key });
    await rig.publish(0, ['other key'], {
      interface_id: 'stock',
      status: 'failed',
      business_keys: { order_no: 'SO-2' },
    });
    await rig.publish(0, ['this one'], { interface_id: 'price', status: 'failed', ...key });
    expect(ids(await stream.named('summary', 1))).toEqual(['this one']);
  });

  test('goes on after any event: nothing twice, nothing left out, also within an entry', async () => {
    const whole = await open();
    const start = whole.lastId();
    await rig.publish(0, ['C1', 'C2', 'C3']);
    await rig.publish(1, ['D1', 'D2']);
    await rig.publish(0, ['C4']);
    const events = await whole.named('summary', 6);
    await close(whole);
    for (const [told, id] of [start, ...events.map((event) => event.id)].entries()) {
      const again = await open('', id);
      const rest = await again.named('summary', 6 - told);
      expect(sorted(ids(rest))).toEqual(sorted(ids(events.slice(told))));
      expect(again.events.length).toBe(6 - told);
      await close(again);
    }
  });

  test('catches up and stays live, without a seam', async () => {
    const first = await open();
    const id = first.lastId();
    await close(first);
    const expected: string[] = [];
    const more = async (name: string) => {
      expected.push(name);
      await rig.publish(expected.length % 2, [name]);
    };
    for (let i = 0; i < 300; i += 1) await more(`E${i}`);
    const joining = open('', id);
    for (let i = 300; i < 600; i += 1) await more(`E${i}`);
    const stream = await joining;
    const events = await stream.named('summary', 600);
    expect(sorted(ids(events))).toEqual(sorted(expected));
    expect(new Set(stream.events.map(({ event }) => event))).toEqual(new Set(['summary']));
  });

  test('tells what was dropped since, and how much', async () => {
    const first = await open();
    const id = first.lastId();
    await close(first);
    for (const name of ['F1', 'F2', 'F3']) await rig.publish(0, [name]);
    await rig.admin.xtrim(rig.stream(0), 'MAXLEN', 1);
    const again = await open(`?last_event_id=${encodeURIComponent(id)}`);
    expect(ids(await again.named('summary', 1))).toEqual(['F3']);
    expect(again.events[0]).toMatchObject({ event: 'gap', data: { partition: 0, entries: 2 } });
    const behind = await open('', again.events[0]!.id);
    await behind.named('summary', 1);
    expect(behind.events.map(({ event }) => event)).toEqual(['summary']);
  });

  test('tells what was dropped when nothing is left of it, while it is open, too', async () => {
    const live = await open();
    const first = live.lastId();
    await rig.publish(1, ['G1']);
    await live.named('summary', 1);
    await rig.admin
      .multi()
      .xadd(rig.stream(1), '*', 'v', '1')
      .xadd(rig.stream(1), '*', 'v', '1')
      .xtrim(rig.stream(1), 'MAXLEN', 0)
      .exec();
    expect((await live.named('gap', 1))[0]!.data).toMatchObject({ partition: 1, entries: 2 });
    const again = await open('', first);
    expect((await again.named('gap', 1))[0]!.data).toMatchObject({ partition: 1, entries: 3 });
  });

  test('tells that a stream was deleted, and goes on with the new one', async () => {
    const live = await open();
    await rig.publish(0, ['H1', 'H2']);
    await live.named('summary', 2);
    await rig.admin.del(rig.stream(0));
    await rig.publish(0, ['H3']);
    expect((await live.named('gap', 1))[0]!.data).toMatchObject({ partition: 0, entries: null });
    expect(ids(await live.named('summary', 3))).toEqual(['H1', 'H2', 'H3']);
  });

  test('goes on after an event while something foreign is in place of another partition, and there once that is mended', async () => {
    const first = await open();
    const id = first.lastId();
    await close(first);
    await rig.admin.set(rig.stream(0), 'none of ours');
    await rig.publish(1, ['N1']);
    const again = await open('', id);
    expect(ids(await again.named('summary', 1))).toEqual(['N1']);
    await rig.publish(1, ['N2']);
    expect(ids(await again.named('summary', 2))).toEqual(['N1', 'N2']);
    expect((await again.named('trouble', 1))[0]!.data['reason']).toContain(rig.stream(0));
    await rig.admin.del(rig.stream(0));
    await rig.publish(0, ['N3']);
    expect(ids(await again.named('summary', 3))).toEqual(['N1', 'N2', 'N3']);
    expect(again.events.at(-1)).toMatchObject({ data: { transaction_id: 'N3' } });
    await again.named('recovered', 1);
  });

  test('passes over entries and rows that are none of ours', async () => {
    const stream = await open();
    await rig.admin.xadd(rig.stream(0), '*', 'some', 'thing');
    await rig.admin.xadd(rig.stream(0), '*', 'v', '1', 'n', '2', 'summaries', 'none\n["I1","completed"]\n');
    await rig.publish(0, ['I2']);
    expect(ids(await stream.named('summary', 2))).toEqual(['I1', 'I2']);
  });

  test('is refused with an id that is none of its own', async () => {
    const { status } = await open('', '17-0');
    expect(status).toBe(400);
  });

  test('of another number of partitions goes on where it can, and says so', async () => {
    const first = await open();
    const id = first.lastId();
    await close(first);
    await rig.publish(0, ['J1']);
    await rig.publish(2, ['J2']);
    await using wider = (await rig.start({ admin: { port: 0 } }, 3).catch(() => undefined)) as RunningApi;
    // A process with another number of partitions does not start on this deployment until it is changed.
    expect(wider).toBeUndefined();
    await rig.admin.hset('tranweave:meta', 'partitions', '3');
    await until('the API of the former number has ended', () => !api.role.isRunning());
    expect(String(await api.role.ended)).toContain('this deployment has 3 partitions now');
    api = await rig.start({}, 3);
    const again = await open('', id);
    expect(sorted(ids(await again.named('summary', 2)))).toEqual(['J1', 'J2']);
    expect((await again.named('gap', 1))[0]!.data).toMatchObject({
      entries: null,
      reason: 'the number of partitions was changed from 2 to 3',
    });
  });
});

describe('a client', () => {
  test('that takes nothing is cut off and told so; others are not held up', async () => {
    await using small = await rig.start({ stream_buffer_bytes_max: '16KiB', stream_stall_max: '1s' }, 3);
    const { port, hostname } = new URL(small.url);
    const slow = connect(Number(port), hostname);
    slow.write('GET /v1/stream HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
    await once(slow, 'readable');
    const quick = await open('?interface=stock', undefined, small.url);
    let published = 0;
    // Until what the system keeps for the connection is full as well.
    while ((await small.role.metric('tranweave_api_streams_cut_total')) === 0) {
      expect(published).toBeLessThan(500);
      const names = Array.from({ length: 100 }, (_, i) => `K${published}-${i}`);
      await rig.publish(0, names, { error_message: 'x'.repeat(8_000) });
      await rig.publish(0, [`L${published}`], { interface_id: 'stock' });
      published += 1;
      await quick.named('summary', published);
    }
    expect(quick.events).toHaveLength(published);
    let text = '';
    for await (const chunk of slow) text = `${text}${String(chunk)}`.slice(-10_000);
    expect(text).toMatch(/event: cut\nid: 1;\S+\ndata: \{"reason":"what waited for you/);
    await close(quick);
  });

  test('that takes what it is given is not cut off, however little may wait for it', async () => {
    await using small = await rig.start({ stream_buffer_bytes_max: '4KiB', stream_stall_max: '1s' }, 3);
    const first = await open('', undefined, small.url);
    const id = first.lastId();
    await close(first);
    const names = Array.from({ length: 200 }, (_, i) => `M${i}`);
    // An entry each: between two of them it is looked whether there is room.
    for (const name of names) await rig.publish(0, [name]);
    const stream = await open('', id, small.url);
    expect(ids(await stream.named('summary', 200))).toEqual(names);
    expect(stream.events).toHaveLength(200);
    expect(await small.role.metric('tranweave_api_streams_cut_total')).toBe(0);
  });

  test('finds no place when there are too many', async () => {
    await using small = await rig.start({ streams_max: 1 }, 3);
    const first = await open('', undefined, small.url);
    const second = await open('', undefined, small.url);
    expect([second.status, second.headers.get('retry-after')]).toEqual([503, '5']);
    await close(first);
    await until('its place is free', async () => (await open('', undefined, small.url)).status === 200);
  });

  test('is told when the API stops', async () => {
    const stopped = await rig.start({}, 3);
    const stream = await open('', undefined, stopped.url);
    await stopped[Symbol.asyncDispose]();
    await stream.ended;
    expect(stream.events.map(({ event }) => event)).toEqual(['end']);
  });

  test('is told that Redis is away, and when it is back; new ones are refused meanwhile', async () => {
    const stream = await open();
    await rig.server.kill();
    expect((await stream.named('trouble', 1))[0]!.data['reason']).toContain('Redis cannot be reached');
    const refused = await open();
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '5']);
    await rig.server.restart();
    await stream.named('recovered', 1);
    await rig.publish(2, ['L1']);
    expect(ids(await stream.named('summary', 1))).toEqual(['L1']);
  });
});
