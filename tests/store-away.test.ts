import { expect, test } from 'vitest';
import { usageOf } from '../bench/process-usage.ts';
import { createKeys } from '../common/redis/keys.ts';
import { encodeEntries, fieldsOf } from '../common/stream-entry.ts';
import { until } from '../common/testing/until.ts';
import { aLog, lineOf } from '../sinks/testing/rows.ts';
import { openGround } from './chaos/ground.ts';
import type { Ground } from './chaos/ground.ts';
import { openStore } from './chaos/store.ts';

const PARTITIONS = 4;
const ROWS = 14_000;
const PAYLOAD = 'x'.repeat(20_000);
const MIB = 1024 ** 2;
/** For each stream a batch of 4 MiB, half of them on their way, and a read; and what a heap likes to keep. */
const GROWN_MIB_MAX = 120;
const keys = createKeys('tranweave');

/** Logs straight into the streams: more than a process may hold. Returns their size in MiB. */
async function fill({ streams }: Ground): Promise<number> {
  let bytes = 0;
  for (let from = 0; from < ROWS; from += 1000) {
    const rows = Array.from({ length: 1000 }, (_, i) => ({
      line: lineOf('log', aLog(from + i, { payload: PAYLOAD })),
    }));
    for (const entry of encodeEntries(rows)) {
      const stream = keys.stream((bytes / MIB) & (PARTITIONS - 1), 'log');
      await streams.redis.xadd(stream, '*', ...fieldsOf('log', entry));
      bytes += entry.body.length;
    }
  }
  return bytes / MIB;
}

async function retries(adminUrl: string): Promise<number[]> {
  const text = await (await fetch(`${adminUrl}/metrics`)).text();
  return [...text.matchAll(/^tranweave_sink_retries_total\{.*stream="log".*\} (\d+)/gm)].map(([, n]) =>
    Number(n),
  );
}

test.skipIf(process.platform !== 'linux')(
  'while ClickHouse is away a sinks process holds a batch of each stream and no more, and stores all when it is back',
  async () => {
    await using store = await openStore(Math.random);
    const batch = { bytes_max: '4MiB', delay_max: '50ms' };
    await using ground = await openGround(PARTITIONS, {
      sinks: [{ name: 'clickhouse', type: 'clickhouse', url: store.url, batch }],
    });
    const sinks = await ground.start('sinks');
    await until('it is ready', async () => (await fetch(`${sinks.adminUrl}/readyz`)).status === 200);
    store.setAway(true);
    const before = usageOf(sinks.pid).peakBytes / MIB;
    const waiting = await fill(ground);
    expect(waiting).toBeGreaterThan(2 * GROWN_MIB_MAX);
    await until(
      'it has tried in vain for some time',
      async () => (await retries(sinks.adminUrl)).some((n) => n >= 10),
      60_000,
    );
    const grown = usageOf(sinks.pid).peakBytes / MIB - before;
    expect(grown).toBeLessThan(GROWN_MIB_MAX);
    store.setAway(false);
    const query = 'SELECT count() AS n, sum(record_count) AS records FROM tranweave.tracking_log';
    await until('all is stored', async () => (await store.rows<{ n: number }>(query))[0]!.n >= ROWS, 120_000);
    expect(await store.rows(query)).toEqual([{ n: ROWS, records: (ROWS * (ROWS - 1)) / 2 }]);
  },
  240_000,
);
