import * as v from 'valibot';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { systemClock } from '../../common/clock.ts';
import { FatalError, RetriableError } from '../../common/errors.ts';
import { silentLogger } from '../../common/logger.ts';
import { createSink, sinks, sinkSchema, streamsOf } from '../registry.ts';
import type { Sink, SinkBatch } from '../sink.ts';
import { aDeadLetter, aLog, aSummary, batchOf } from '../testing/rows.ts';
import { openNdjsonStore } from './fixture.ts';

/** What a store promises (../testing/conformance.ts), as far as it can be said of files: they rely on fences, and nobody brings a batch while another does. */

const rowOf = { log: aLog, summary: aSummary, dead_letter: aDeadLetter };
const never = new AbortController().signal;

let fence = 0;
const nextFence = () => (fence += 1);
/** As of a process that has just taken the lane over. */
const brought = (batch: SinkBatch): SinkBatch => ({ ...batch, fence: nextFence() });

describe('a sink of type ndjson', () => {
  let store: Awaited<ReturnType<typeof openNdjsonStore>>;
  let sink: Sink;
  const make = () => createSink(store.config, { name: 'store', clock: systemClock, logger: silentLogger() });

  beforeAll(async () => {
    store = await openNdjsonStore();
    sink = make();
  });
  afterAll(async () => {
    await sink.close();
    await store.stop();
  });

  test('has an example that works as it stands, and says which streams it takes', () => {
    const [example] = parse(sinks.ndjson.example) as unknown[];
    const config = v.parse(sinkSchema, example);
    expect(config.type).toBe('ndjson');
    expect(streamsOf(config)).toEqual(sinks.ndjson.streams);
    expect(sinks.ndjson.summary).toMatch(/\.$/);
  });

  test('is opened by several processes at once, and again', async () => {
    const others = Array.from({ length: 3 }, make);
    await Promise.all([sink, ...others].map((one) => one.open(never)));
    await sink.open(never);
    await Promise.all(others.map((one) => one.close()));
    expect(sink.streams).toEqual(sinks.ndjson.streams);
  });

  test('stores each kind of stream that it takes, at the same time', async () => {
    await Promise.all(
      sink.streams.map(async (stream) => {
        const rows = Array.from({ length: 250 }, (_, i) => rowOf[stream](i));
        expect(await sink.write(brought(batchOf(stream, `each/${stream}`, rows)), never)).toEqual({
          refused: [],
        });
        expect(await store.count(stream, nextFence())).toBe(250);
      }),
    );
  });

  test('stores a batch once, however often it comes and whoever brings it', async () => {
    const other = make();
    for (const stream of sink.streams) {
      const before = await store.count(stream, nextFence());
      const batch = batchOf(
        stream,
        `once/${stream}`,
        Array.from({ length: 120 }, (_, i) => rowOf[stream](1000 + i)),
      );
      const bring = (one: Sink) => one.write(brought(batch), never);
      for (const one of [sink, other, sink]) await bring(one);
      await bring(other);
      expect((await store.count(stream, nextFence())) - before).toBe(120);
    }
    await other.close();
  });

  test('names rows that it will never take, with a reason in one line, and stores the others once', async () => {
    const good = Array.from({ length: 200 }, (_, i) => aLog(2000 + i));
    const rows: (object | string)[] = [...good];
    rows.splice(0, 0, 'not a row');
    rows.splice(77, 0, { ...aLog(1), record_count: 'many' });
    rows.push('{"transaction_id":');
    const batch = batchOf('log', 'refused', rows);
    const before = await store.count('log', nextFence());
    for (let time = 0; time < 2; time += 1) {
      const { refused } = await sink.write(brought(batch), never);
      expect(refused.map(({ index }) => index)).toEqual([0, 77, 202]);
      for (const { reason } of refused) expect(reason).toMatch(/^\S[^\n]{10,}$/);
      expect((await store.count('log', nextFence())) - before).toBe(200);
    }
  });

  test('of a batch of nothing but rows that it will never take stores nothing', async () => {
    const { refused } = await sink.write(brought(batchOf('log', 'none', ['a', 'b', 'c'])), never);
    expect(refused.map(({ index }) => index)).toEqual([0, 1, 2]);
  });

  test('throws a RetriableError while the store is away, and takes the batch when it is back', async () => {
    const batch = brought(batchOf('log', 'away', [aLog(3000)]));
    await store.setAway(true);
    await expect(sink.write(batch, never)).rejects.toThrow(RetriableError);
    await expect(make().open(never)).rejects.toThrow(FatalError);
    await store.setAway(false);
    expect(await sink.write(batch, never)).toEqual({ refused: [] });
  });

  test('gives up when it is told to', async () => {
    const given = AbortSignal.abort();
    await expect(sink.write(batchOf('log', 'aborted', [aLog(4000)]), given)).rejects.toThrow(RetriableError);
  });

  test('is closed twice without harm', async () => {
    const other = make();
    await other.open(never);
    await other.close();
    await other.close();
  });
});
