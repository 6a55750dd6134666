import { describe, expect, test } from 'vitest';
import { FencedError } from '../../common/errors.ts';
import { until } from '../../common/testing/until.ts';
import type { Sink } from '../sink.ts';
import type { Proxy } from './proxy.ts';
import type { Lab } from './worker.ts';

/** A sink between a real Redis and its real store, reached through a proxy. */
export interface Way {
  lab: Lab;
  proxy: Proxy;
  sink: Sink;
  /** Logs numbered from `from`, whose record_count is their number. */
  logs: (n: number, from?: number) => object[];
  stored: () => Promise<Stored | undefined>;
}

/** What the store holds of logs. */
export interface Stored {
  n: number;
  /** Of record_count. */
  sum: number;
  distinct: number;
}

/** What must be stored of `n` logs from 0 on. */
export function exactly(n: number): Stored {
  return { n, sum: (n * (n - 1)) / 2, distinct: n };
}

/** The sink, with something done around each write. */
export function around(sink: Sink, write: Sink['write']): Sink {
  return { ...sink, write };
}

/** Held against every store that batches reach over a network. */
export function storesOnce(way: () => Way): void {
  describe('stored once, although', () => {
    test('the store was away in between', async () => {
      const { lab, proxy, sink, logs, stored } = way();
      proxy.setAway(true);
      await lab.append('log', logs(300));
      const worker = await lab.work(sink);
      await until('it is in trouble', () => worker.troubles.length > 0);
      await lab.append('log', logs(300, 300));
      proxy.setAway(false);
      await lab.caughtUp();
      expect(await stored()).toEqual(exactly(600));
      await worker.stop();
    });

    test('the worker lost its claim between the write and the commit, and another took over', async () => {
      const { lab, sink, logs, stored } = way();
      await lab.append('log', logs(400));
      let written = () => {};
      const isWritten = new Promise<void>((resolve) => (written = resolve));
      let wake = () => {};
      const asleep = new Promise<void>((resolve) => (wake = resolve));
      const sleeper = await lab.work(
        around(sink, async (batch, signal) => {
          const result = await sink.write(batch, signal);
          written();
          await asleep;
          return result;
        }),
      );
      await isWritten;
      await sleeper.lose();
      await lab.append('log', logs(400, 400));
      const other = await lab.work(sink, { replica: 'b' });
      await lab.caughtUp();
      wake();
      await expect(sleeper.done).rejects.toThrow(FencedError);
      expect(await stored()).toEqual(exactly(800));
      await other.stop();
    });
  });
}
