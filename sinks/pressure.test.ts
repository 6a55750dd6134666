import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { until } from '../common/testing/until.ts';
import { PressureError } from './pressure.ts';
import { aDeadLetter, aLog } from './testing/rows.ts';
import { aStore } from './testing/store.ts';
import { openLab } from './testing/worker.ts';
import type { Lab } from './testing/worker.ts';

let lab: Lab;
beforeAll(async () => {
  lab = await openLab();
});
beforeEach(() => lab.reset());
afterAll(() => lab[Symbol.asyncDispose]());

const logs = (n: number) => Array.from({ length: n }, (_, i) => aLog(i));

describe('a store that has too much to do', () => {
  test('for want of memory gets the batch that was begun as it is, and smaller ones after it, which grow again', async () => {
    let complaints = 3;
    const store = aStore(() => {
      if ((complaints -= 1) >= 0) throw new PressureError('memory', 'no memory');
      return [];
    });
    await lab.append('log', logs(800), 10);
    const worker = await lab.work(store.sink, { batch: { rows_max: 80 } });
    await lab.caughtUp();
    const rows = store.tried.map((batch) => batch.rows);
    expect(rows.slice(0, 6)).toEqual([80, 80, 80, 80, 10, 10]);
    expect(Math.max(...rows.slice(6))).toBe(80);
    expect([new Set(store.tried.slice(0, 4).map(({ token }) => token)).size, store.rows()]).toEqual([1, 800]);
    await worker.stop();
  });

  test('for one stream is spared by the others as well', async () => {
    let isFirst = true;
    const store = aStore((batch) => {
      if (batch.stream === 'log' && isFirst) {
        isFirst = false;
        throw new PressureError('memory', 'no memory');
      }
      return [];
    });
    await lab.append('log', logs(60), 10);
    const worker = await lab.work(store.sink, { batch: { rows_max: 60, writes_max: 1 } });
    await until('it has complained', () => !isFirst);
    await lab.append(
      'dead_letter',
      Array.from({ length: 60 }, (_, i) => aDeadLetter(i)),
      10,
    );
    const other = await lab.work(store.sink, { kind: 'dead_letter', beside: worker });
    await Promise.all([lab.caughtUp(), lab.caughtUp('dead_letter')]);
    expect(store.tried.find(({ stream }) => stream === 'dead_letter')!.rows).toBeLessThan(60);
    await Promise.all([worker.stop(), other.stop()]);
  });
});
