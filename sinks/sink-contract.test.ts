import * as v from 'valibot';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { systemClock } from '../common/clock.ts';
import { RetriableError } from '../common/errors.ts';
import { silentLogger } from '../common/logger.ts';
import type { StreamKind } from '../common/redis/keys.ts';
import { startClickHouse } from '../common/testing/clickhouse.ts';
import { createSink, sinks, sinkSchema, streamsOf } from './registry.ts';
import type { SinkConfig } from './registry.ts';
import type { Sink } from './sink.ts';
import { aDeadLetter, aLog, aSummary, batchOf } from './testing/rows.ts';
import { startProxy } from './testing/proxy.ts';

/** A store of a test's own. A new sink adds one here, and is held to everything below. */
interface Store {
  config: SinkConfig;
  /** How many rows of a kind it holds, without any merging at the time of asking. */
  count(stream: StreamKind): Promise<number>;
  setAway(away: boolean): void;
  stop(): Promise<void>;
}

const stores: Record<keyof typeof sinks, () => Promise<Store>> = {
  clickhouse: async () => {
    const server = await startClickHouse();
    const proxy = await startProxy(server.url);
    const tables = {
      log: 'tracking_log',
      summary: 'transaction_summary_revision',
      dead_letter: 'dead_letter',
    };
    return {
      config: v.parse(sinkSchema, {
        type: 'clickhouse',
        name: 'store',
        url: `http://127.0.0.1:${proxy.port}`,
        database: 'contract',
      }),
      count: async (stream) => {
        const rows = await server.rows<{ n: number }>(`SELECT count() AS n FROM contract.${tables[stream]}`);
        return Number(rows[0]?.n);
      },
      setAway: (away) => proxy.setAway(away),
      stop: async () => {
        await proxy[Symbol.asyncDispose]();
        await server.stop();
      },
    };
  },
};

const rowOf = { log: aLog, summary: aSummary, dead_letter: aDeadLetter };
const never = new AbortController().signal;

describe.each(Object.keys(sinks) as (keyof typeof sinks)[])('a sink of type %s', (type) => {
  let store: Store;
  let sink: Sink;
  const make = () => createSink(store.config, { name: 'store', clock: systemClock, logger: silentLogger() });

  beforeAll(async () => {
    store = await stores[type]();
    sink = make();
  });
  afterAll(async () => {
    await sink.close();
    await store.stop();
  });

  test('has an example that works as it stands, and says which streams it takes', () => {
    const [example] = parse(sinks[type].example) as unknown[];
    const config = v.parse(sinkSchema, example);
    expect(config.type).toBe(type);
    expect(streamsOf(config)).toEqual(sinks[type].streams);
    expect(sinks[type].summary).toMatch(/\.$/);
  });

  test('is opened by several processes at once, and again', async () => {
    const others = Array.from({ length: 3 }, make);
    await Promise.all([sink, ...others].map((one) => one.open(never)));
    await sink.open(never);
    await Promise.all(others.map((one) => one.close()));
    expect(sink.streams).toEqual(sinks[type].streams);
  });

  test('stores each kind of stream that it takes, at the same time', async () => {
    await Promise.all(
      sink.streams.map(async (stream) => {
        const rows = Array.from({ length: 250 }, (_, i) => rowOf[stream](i));
        expect(await sink.write(batchOf(stream, `each/${stream}`, rows), never)).toEqual({ refused: [] });
        expect(await store.count(stream)).toBe(250);
      }),
    );
  });

  test('stores a batch once, however often it comes and whoever brings it', async () => {
    const other = make();
    for (const stream of sink.streams) {
      const before = await store.count(stream);
      const batch = batchOf(
        stream,
        `once/${stream}`,
        Array.from({ length: 120 }, (_, i) => rowOf[stream](1000 + i)),
      );
      await Promise.all([sink, other, sink].map((one) => one.write(batch, never)));
      await other.write(batch, never);
      expect((await store.count(stream)) - before).toBe(120);
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
    const before = await store.count('log');
    for (let time = 0; time < 2; time += 1) {
      const { refused } = await sink.write(batch, never);
      expect(refused.map(({ index }) => index)).toEqual([0, 77, 202]);
      for (const { reason } of refused) expect(reason).toMatch(/^\S[^\n]{10,}$/);
      expect((await store.count('log')) - before).toBe(200);
    }
  });

  test('of a batch of nothing but rows that it will never take stores nothing', async () => {
    const { refused } = await sink.write(batchOf('log', 'none', ['a', 'b', 'c']), never);
    expect(refused.map(({ index }) => index)).toEqual([0, 1, 2]);
  });

  test('throws a RetriableError while the store is away, and takes the batch when it is back', async () => {
    const batch = batchOf('log', 'away', [aLog(3000)]);
    store.setAway(true);
    await expect(sink.write(batch, never)).rejects.toThrow(RetriableError);
    await expect(make().open(never)).rejects.toThrow(RetriableError);
    store.setAway(false);
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
