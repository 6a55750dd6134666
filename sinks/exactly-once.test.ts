import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { StreamKind } from '../common/redis/keys.ts';
import { until } from '../common/testing/until.ts';
import { openFixture } from './clickhouse/fixture.ts';
import type { ClickHouseFixture } from './clickhouse/fixture.ts';
import type { Sink } from './sink.ts';
import { around, exactly, storesOnce } from './testing/exactly-once.ts';
import type { Stored } from './testing/exactly-once.ts';
import { aLog, aSummary } from './testing/rows.ts';
import { startProxy } from './testing/proxy.ts';
import type { Proxy } from './testing/proxy.ts';
import { openLab, PARTITIONS } from './testing/worker.ts';
import type { Lab, Working } from './testing/worker.ts';

/** Redis to ClickHouse, both real: whatever is lost or taken over on the way, `count()` without FINAL and sums are exact. */

let lab: Lab;
let clickhouse: ClickHouseFixture;
let proxy: Proxy;
let sink: Sink;
beforeAll(async () => {
  [lab, clickhouse] = await Promise.all([openLab(), openFixture()]);
  proxy = await startProxy(clickhouse.server.url);
  sink = clickhouse.makeSink({ url: `http://127.0.0.1:${proxy.port}` });
});
beforeEach(async () => {
  await lab.reset();
  for (const table of ['tracking_log', 'transaction_summary_revision', 'dead_letter'])
    await clickhouse.server.client.command({ query: `TRUNCATE TABLE tranweave.${table}` });
});
afterAll(async () => {
  await sink.close();
  await proxy[Symbol.asyncDispose]();
  await Promise.all([lab[Symbol.asyncDispose](), clickhouse[Symbol.asyncDispose]()]);
});

/** Logs of three weeks, so that a batch is several parts. */
const logs = (n: number, from = 0) =>
  Array.from({ length: n }, (_, i) =>
    aLog(from + i, { event_time: `2026-01-${String(5 + (i % 21)).padStart(2, '0')}T00:00:00Z` }),
  );
const stored = async () => {
  const [row] = await clickhouse.server.rows<Stored>(
    'SELECT count() AS n, sum(record_count) AS sum, uniqExact(event_id) AS distinct FROM tranweave.tracking_log',
  );
  return row;
};
storesOnce(() => ({ lab, proxy, sink, logs, stored }));

describe('stored once, although', () => {
  test('the answers of inserts are lost', async () => {
    await lab.append('log', logs(500));
    const before = proxy.lost();
    proxy.loseAnswers(3);
    const worker = await lab.work(sink);
    await lab.caughtUp();
    expect([await stored(), proxy.lost() - before]).toEqual([exactly(500), 3]);
    expect(worker.troubles).toEqual([
      expect.stringContaining('cannot be reached'),
      expect.anything(),
      expect.anything(),
      undefined,
    ]);
    await worker.stop();
  });

  test('(without the token they would be doubled)', async () => {
    await lab.append('log', logs(500));
    proxy.loseAnswers(1);
    let attempt = 0;
    const worker = await lab.work(
      around(sink, (batch, signal) =>
        sink.write({ ...batch, token: `${batch.token}/${(attempt += 1)}` }, signal),
      ),
    );
    await lab.caughtUp();
    expect((await stored())!.n).toBe(1000);
    await worker.stop();
  });

  test('the partition changes hands again and again while logs come, and answers are lost meanwhile', async () => {
    let appended = 0;
    const feed = async (rounds: number) => {
      for (let i = 0; i < rounds; i += 1) {
        await lab.append('log', logs(200, appended), 20);
        appended += 200;
      }
    };
    for (const replica of ['a', 'b', 'c', 'd', 'e']) {
      proxy.loseAnswers(1);
      const worker = await lab.work(sink, { replica, batch: { rows_max: 150 } });
      await feed(3);
      await until('something is stored', async () => (await stored())!.n > 0);
      if (replica < 'c') await worker.stop();
      else {
        await worker.lose();
        await feed(1);
        await worker.done.catch(() => undefined);
      }
    }
    const last = await lab.work(sink, { replica: 'z' });
    await lab.caughtUp();
    expect(await stored()).toEqual(exactly(appended));
    await last.stop();
  });
});

test('stored once, although partitions that write together change hands, some sooner than others, and answers are lost meanwhile', async () => {
  let appended = 0;
  const feed = async () => {
    for (let partition = 0; partition < PARTITIONS; partition += 1) {
      await lab.append('log', logs(60, appended), 20, partition);
      appended += 60;
    }
  };
  let joint = 0;
  const seen: Sink = {
    ...sink,
    writeJoint: async (batch, signal) => {
      joint += 1;
      return sink.writeJoint!(batch, signal);
    },
  };
  const works = async (replica: string) => {
    const all: Working[] = [];
    for (let partition = 0; partition < PARTITIONS; partition += 1)
      all.push(await lab.work(seen, { replica, partition, beside: all[0], batch: { delay_max: '100ms' } }));
    return all;
  };
  for (const replica of ['a', 'b', 'c', 'd', 'e', 'f']) {
    const before = joint;
    proxy.loseAnswers(1);
    const workers = await works(replica);
    await until('they write together', async () => {
      await feed();
      return joint > before;
    });
    // As one that sleeps: it goes on with what it has begun.
    for (const worker of workers) {
      await worker.lose();
      if (replica > 'c') await feed();
    }
    void Promise.allSettled(workers.map(({ done }) => done));
  }
  proxy.loseAnswers(0);
  const last = await works('z');
  for (let partition = 0; partition < PARTITIONS; partition += 1) await lab.caughtUp('log', partition);
  expect(await stored()).toEqual(exactly(appended));
  await Promise.all(last.map((worker) => worker.stop()));
});

test('summaries are one row per transaction', async () => {
  const revisions = [1, 2, 3].flatMap((version) =>
    Array.from({ length: 100 }, (_, i) => aSummary(i, { version })),
  );
  await lab.append('summary', revisions, 30);
  proxy.loseAnswers(1);
  const worker = await lab.work(sink, { kind: 'summary' });
  await lab.caughtUp('summary');
  expect(
    await clickhouse.server.rows(
      'SELECT count() AS n, min(version) AS oldest FROM tranweave.transaction_summary',
    ),
  ).toEqual([{ n: 100, oldest: 3 }]);
  await worker.stop();
});

test('rows that ClickHouse refuses end in the table dead_letter, by way of Redis, and the others in theirs', async () => {
  const rows: (object | string)[] = [...logs(50)];
  rows[20] = { ...aLog(20), attempt: 'first' };
  await lab.append('log', rows);
  const carry = async (kind: StreamKind) => {
    const worker = await lab.work(sink, { kind });
    await lab.caughtUp(kind);
    await worker.stop();
  };
  await carry('log');
  await carry('dead_letter');
  expect((await stored())!.n).toBe(49);
  const [letter] = await clickhouse.server.rows<{ stage: string; reason: string; raw: string }>(
    'SELECT stage, reason, raw FROM tranweave.dead_letter',
  );
  expect(letter).toMatchObject({
    stage: 'sink store',
    reason: expect.stringMatching(/^CANNOT_PARSE_\w+: .*attempt/),
  });
  expect(JSON.parse(letter!.raw)).toEqual(rows[20]);
});
