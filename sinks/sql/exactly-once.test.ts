import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { Sink } from '../sink.ts';
import { around, exactly, storesOnce } from '../testing/exactly-once.ts';
import { aLog, aSummary } from '../testing/rows.ts';
import { startProxy } from '../testing/proxy.ts';
import type { Proxy } from '../testing/proxy.ts';
import { openLab } from '../testing/worker.ts';
import type { Lab } from '../testing/worker.ts';
import { describeEachStore, openFixture } from './fixture.ts';
import type { SqlFixture } from './fixture.ts';

/** Redis to a SQL store, both real: whatever is lost or taken over on the way, counts and sums are exact. */

describeEachStore((kit) => {
  let lab: Lab;
  let fixture: SqlFixture;
  let proxy: Proxy;
  let sink: Sink;
  beforeAll(async () => {
    [lab, fixture] = await Promise.all([openLab(), openFixture(kit)]);
    proxy = await startProxy(fixture.server.url);
    const { protocol } = new URL(fixture.server.url);
    sink = fixture.makeSink({ url: `${protocol}//127.0.0.1:${proxy.port}` });
  });
  beforeEach(async () => {
    await lab.reset();
    await fixture.empty();
  });
  afterAll(async () => {
    await sink.close();
    await proxy[Symbol.asyncDispose]();
    await Promise.all([lab[Symbol.asyncDispose](), fixture[Symbol.asyncDispose]()]);
  });

  const logs = (n: number, from = 0) => Array.from({ length: n }, (_, i) => aLog(from + i));
  const stored = async () => {
    const rows = await fixture.read('tracking_log');
    return {
      n: rows.length,
      sum: rows.reduce((sum, row) => sum + Number(row['record_count']), 0),
      distinct: new Set(rows.map((row) => row['event_id'])).size,
    };
  };
  storesOnce(() => ({ lab, proxy, sink, logs, stored }));

  test('stores once, although answers are lost, of whatever', async () => {
    await lab.append('log', logs(500));
    const before = proxy.lost();
    proxy.loseAnswers(3);
    const worker = await lab.work(sink);
    await lab.caughtUp();
    expect([await stored(), proxy.lost() - before]).toEqual([exactly(500), 3]);
    await worker.stop();
  });

  test('stores once, although the answers of commits are lost', async () => {
    await lab.append('log', logs(500));
    const before = proxy.lost();
    proxy.loseAnswers(3, kit.type === 'postgresql' ? 'COMMIT\0' : 'COMMIT');
    const worker = await lab.work(sink);
    await lab.caughtUp();
    expect([await stored(), proxy.lost() - before]).toEqual([exactly(500), 3]);
    await worker.stop();
  });

  test('keeps the new revisions, although a sleeper wakes and writes an old batch of them', async () => {
    const revisions = (version: number) => Array.from({ length: 100 }, (_, i) => aSummary(i, { version }));
    await lab.append('summary', revisions(1));
    let first: Parameters<Sink['write']>[0] | undefined;
    const worker = await lab.work(
      around(sink, (batch, signal) => {
        first ??= batch;
        return sink.write(batch, signal);
      }),
      { kind: 'summary' },
    );
    await lab.caughtUp('summary');
    await lab.append('summary', revisions(2));
    await lab.caughtUp('summary');
    await sink.write(first!, new AbortController().signal);
    const versions = (await fixture.read('transaction_summary')).map((row) => row['version']);
    expect([versions.length, new Set(versions)]).toEqual([100, new Set([2])]);
    await worker.stop();
  });
});
