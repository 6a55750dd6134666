import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { FatalError, FencedError, RetriableError } from '../common/errors.ts';
import { epochOf } from '../common/redis/claim-scripts.ts';
import { openStreams } from '../common/testing/streams.ts';
import type { TestStreams } from '../common/testing/streams.ts';
import { until } from '../common/testing/until.ts';
import type { Lane, Sink } from './sink.ts';
import { aDeadLetter, aLog } from './testing/rows.ts';
import { aStore } from './testing/store.ts';
import { GROUP, keys, NAME, openLab } from './testing/worker.ts';
import type { Lab, Working } from './testing/worker.ts';

/** The worker with a store that does what the test wants; with the real engine: exactly-once.test.ts. */

let lab: Lab;
let streams: TestStreams;
beforeAll(async () => {
  lab = await openLab();
  streams = openStreams(lab.server.url, 1);
});
beforeEach(() => lab.reset());
afterAll(async () => {
  await streams[Symbol.asyncDispose]();
  await lab[Symbol.asyncDispose]();
});

const logs = (n: number, from = 0) => Array.from({ length: n }, (_, i) => aLog(from + i));
const manifest = () => lab.redis.get(keys.manifest(0, 'log', GROUP));
const position = async () => {
  const [info] = (await lab.redis.xinfo('GROUPS', keys.stream(0, 'log'))) as unknown[][];
  return String(info![info!.indexOf('last-delivered-id') + 1]);
};

describe('batches', () => {
  test('hold what has come within their time, in order, and are committed', async () => {
    const store = aStore();
    const ids = await lab.append('log', logs(120), 10);
    const worker = await lab.work(store.sink);
    await lab.caughtUp();
    expect([store.rows(), store.tried.length, await position(), await manifest()]).toEqual([
      120,
      1,
      ids.at(-1),
      null,
    ]);
    expect(store.tried[0]!.token).toBe(`${keys.stream(0, 'log')}/${ids[0]}..${ids.at(-1)}`);
    expect(await worker.counted('tranweave_sink_rows_total')).toBe(120);
    await worker.stop();
  });

  test('never pass their bounds, and leave nothing out', async () => {
    const store = aStore();
    const payload = 'x'.repeat(20_000);
    await lab.append(
      'log',
      Array.from({ length: 200 }, (_, i) => aLog(i, { payload })),
      5,
    );
    const worker = await lab.work(store.sink, { batch: { bytes_max: '512KiB' } });
    await lab.caughtUp();
    expect(store.rows()).toBe(200);
    for (const { bytes } of store.tried) expect(bytes).toBeLessThanOrEqual(512 * 1024);
    expect(store.tried.length).toBeLessThan(12);
    await worker.stop();
  });

  test('of rows likewise; one entry alone may be larger', async () => {
    const store = aStore();
    await lab.append('log', logs(30), 10);
    await lab.append('log', logs(100, 30), 100);
    const worker = await lab.work(store.sink, { batch: { rows_max: 25 } });
    await lab.caughtUp();
    expect(store.tried.map(({ rows }) => rows)).toEqual([20, 10, 100]);
    await worker.stop();
  });

  test('wait no longer than they may, even by fractions of a millisecond', async () => {
    const store = aStore();
    const worker = await lab.work(store.sink, { batch: { delay_max: '0.5ms' } });
    await lab.append('log', logs(1));
    await lab.caughtUp();
    await worker.stop();
  });
});

describe('a store that does not take a batch', () => {
  test('gets the very same one again, while its trouble is told, and then the next', async () => {
    let away = 3;
    const store = aStore(() => {
      if ((away -= 1) >= 0) throw new RetriableError('the store is away');
      return [];
    });
    await lab.append('log', logs(5));
    const worker = await lab.work(store.sink);
    await until('it was tried', () => store.tried.length > 0);
    await lab.append('log', logs(5, 5));
    await lab.caughtUp();
    expect(new Set(store.tried.slice(0, 4).map(({ token }) => token)).size).toBe(1);
    expect(store.tried.map(({ repeated }) => repeated)).toEqual([false, true, true, true, false]);
    expect(store.rows()).toBe(10);
    expect(worker.troubles).toEqual([
      'the store is away',
      'the store is away',
      'the store is away',
      undefined,
    ]);
    expect(await worker.counted('tranweave_sink_retries_total')).toBe(3);
    await worker.stop();
  });

  test('for ever does not look like a stuck worker, and holds up only its own stream', async () => {
    const store = aStore((batch) => {
      if (batch.stream === 'log') throw new RetriableError('never');
      return [];
    });
    await lab.append('log', logs(1));
    await lab.append('dead_letter', [aDeadLetter(1)]);
    const worker = await lab.work(store.sink, { batch: { writes_max: 1 } });
    await until('it was tried twice', () => store.tried.length >= 2);
    const before = worker.progress();
    await until('there is progress', () => worker.progress() > before);
    expect(worker.troubles.at(-1)).toBe('never');
    const other = await lab.work(store.sink, { kind: 'dead_letter', beside: worker });
    await lab.caughtUp('dead_letter');
    expect(other.troubles).toEqual([]);
    await Promise.all([worker.stop(), other.stop()]);
    expect(worker.troubles.at(-1)).toBeUndefined();
  });

  test('because nobody can mend it by waiting ends the work', async () => {
    const store = aStore(() => {
      throw new FatalError('wrong password');
    });
    await lab.append('log', logs(1));
    const worker = await lab.work(store.sink);
    await expect(worker.done).rejects.toThrow(FatalError);
  });
});

describe('refused rows', () => {
  test('become dead letters, whole and named, in the same step as the commit', async () => {
    const store = aStore(() => [
      { index: 1, reason: 'CANNOT_PARSE_TEXT: no' },
      { index: 2, reason: 'is not JSON' },
    ]);
    await lab.append('log', [aLog(0), aLog(1), '{"broken": "한', aLog(3)]);
    const worker = await lab.work(store.sink);
    await lab.caughtUp();
    const letters = await streams.deadLetters();
    expect(letters).toMatchObject([
      {
        stage: `sink ${NAME}`,
        input: 'api',
        channel: 'http',
        reason: 'CANNOT_PARSE_TEXT: no',
        meta: { stream: 'log' },
      },
      { stage: `sink ${NAME}`, input: '', channel: '', reason: 'is not JSON' },
    ]);
    expect(JSON.parse(Buffer.from(letters[0]!.raw_base64, 'base64').toString())).toEqual(aLog(1));
    expect(Buffer.from(letters[1]!.raw_base64, 'base64').toString()).toBe('{"broken": "한');
    expect(new Set(letters.map(({ event_id: id }) => id)).size).toBe(2);
    expect(await worker.counted('tranweave_sink_refused_rows_total')).toBe(2);
    expect(await worker.counted('tranweave_sink_rows_total')).toBe(2);
    await worker.stop();
  });

  test('that are dead letters wait in the stream until somebody has looked', async () => {
    const store = aStore(() => [{ index: 0, reason: 'no room' }]);
    await lab.append('dead_letter', [aDeadLetter(1)]);
    const worker = await lab.work(store.sink, { kind: 'dead_letter' });
    await until('it was tried twice', () => store.tried.length >= 2);
    expect(worker.troubles[0]).toContain('no room');
    expect([await lab.isCaughtUp('dead_letter'), (await streams.deadLetters()).length]).toEqual([false, 1]);
    await worker.stop();
  });
});

describe('a sink that shows what it stores later', () => {
  /** What it is told, in order: the fences are numbered as they come. */
  function listener(write = () => [] as never[]) {
    const heard: string[] = [];
    const fences: number[] = [];
    const say = (what: string, { stream, partition, fence }: Lane) => {
      if (!fences.includes(fence)) fences.push(fence);
      heard.push(`${what} ${stream} ${partition} ${fences.indexOf(fence) + 1}`);
    };
    const store = aStore((batch) => {
      say('write', batch);
      return write();
    });
    const sink: Sink = { ...store.sink, settled: (lane) => say('settled', lane) };
    return { sink, heard, fences };
  }

  test('is told when nothing is pending: at the beginning, and after each commit', async () => {
    const { sink, heard, fences } = listener();
    const worker = await lab.work(sink);
    await until('it is told', () => heard.length > 0);
    await lab.append('log', logs(1));
    await lab.caughtUp();
    await worker.stop();
    expect(heard).toEqual(['settled log 0 1', 'write log 0 1', 'settled log 0 1']);
    expect(fences).toEqual([epochOf(worker.token)]);
  });

  test('is not told before what a former owner had begun is finished, under a greater fence', async () => {
    let down = true;
    const { sink, heard, fences } = listener(() => {
      if (down) throw new RetriableError('down');
      return [];
    });
    await lab.append('log', logs(1));
    const former = await lab.work(sink);
    await until('it was tried', () => heard.length === 2);
    await former.stop();
    down = false;
    const latter = await lab.work(sink, { replica: 'b' });
    await until('it has begun as well', () => heard.filter((told) => told === 'settled log 0 2').length > 1);
    await latter.stop();
    expect(heard).toEqual([
      'settled log 0 1',
      ...heard.slice(1).filter((words) => words === 'write log 0 1'),
      'write log 0 2',
      'settled log 0 2',
      'settled log 0 2',
    ]);
    expect(fences[1]).toBeGreaterThan(fences[0]!);
  });

  test('is not told of a batch whose commit is refused', async () => {
    let worker: Working | undefined;
    const { sink, heard } = listener();
    const write: Sink['write'] = async (batch, signal) => {
      const result = await sink.write(batch, signal);
      await worker!.lose();
      return result;
    };
    worker = await lab.work({ ...sink, write });
    await until('it is told', () => heard.length > 0);
    await lab.append('log', logs(1));
    await expect(worker.done).rejects.toThrow(FencedError);
    expect(heard).toEqual(['settled log 0 1', 'write log 0 1']);
  });
});

describe('another owner', () => {
  test('repeats exactly the batch that the former one had begun, whatever has come since', async () => {
    const first = aStore(() => {
      throw new RetriableError('down');
    });
    await lab.append('log', logs(20), 5);
    const former = await lab.work(first.sink);
    await until('it was tried', () => first.tried.length > 0);
    await former.stop();
    await lab.append('log', logs(20, 20), 5);
    const second = aStore();
    const latter = await lab.work(second.sink, { replica: 'b', batch: { rows_max: 7 } });
    await lab.caughtUp();
    expect(second.tried[0]!.token).toBe(first.tried[0]!.token);
    expect(second.tried[0]).toMatchObject({ rows: 20, repeated: true });
    expect(second.rows()).toBe(40);
    await latter.stop();
  });

  test('is not disturbed by the former one, whose commit is refused by the fence', async () => {
    let release = () => {};
    const sleeping = new Promise<void>((resolve) => (release = resolve));
    const slow = aStore(async () => {
      await sleeping;
      return [];
    });
    await lab.append('log', logs(3));
    const former = await lab.work(slow.sink);
    await until('it writes', () => slow.tried.length > 0);
    await former.lose();
    const store = aStore();
    const latter = await lab.work(store.sink, { replica: 'b' });
    await lab.caughtUp();
    release();
    await expect(former.done).rejects.toThrow(FencedError);
    expect(store.tried[0]!.token).toBe(slow.tried[0]!.token);
    await latter.stop();
  });

  test('R16: of a group that was moved back by hand stores again what was asked for', async () => {
    const first = aStore();
    const ids = await lab.append('log', logs(10), 5);
    const former = await lab.work(first.sink);
    await lab.caughtUp();
    await former.stop();
    const begun = { token: 'begun', after_id: ids[1], first_id: ids[1], last_id: ids[1], entries: 1 };
    await lab.redis.set(keys.manifest(0, 'log', GROUP), JSON.stringify(begun));
    await lab.redis.xgroup('SETID', keys.stream(0, 'log'), GROUP, '0');
    const second = aStore();
    const latter = await lab.work(second.sink, { replica: 'b' });
    await until('all is stored again', () => second.rows() === 10);
    await latter.stop();
  });
});
