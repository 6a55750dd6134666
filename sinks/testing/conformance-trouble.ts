import { expect, test } from 'vitest';
import { FatalError, RetriableError } from '../../common/errors.ts';
import { until } from '../../common/testing/until.ts';
import type { Sink, SinkBatch } from '../sink.ts';
import type { Lab } from './harness.ts';
import { aDeadLetter, aLog, batchOf } from './rows.ts';

/** The part of the suite (conformance.ts) in which something goes wrong. */

const never = new AbortController().signal;

/** Connections that broke meanwhile. */
const ATTEMPTS_MAX = 5;

/** Writes as a worker does, which repeats what is worth it. */
async function written(sink: Sink, batch: SinkBatch): ReturnType<Sink['write']> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await sink.write(batch, never);
    } catch (error) {
      if (!(error instanceof RetriableError) || attempt === ATTEMPTS_MAX) throw error;
    }
  }
}

export function refuses({ store, sink }: Lab): void {
  test('names rows that it will never take, with a reason in one line, and stores the others once', async () => {
    const good = Array.from({ length: 200 }, (_, i) => aLog(2000 + i));
    const rows: (object | string)[] = [...good];
    rows.splice(0, 0, 'not a row');
    rows.splice(77, 0, { ...aLog(1), record_count: 'many' });
    rows.push('{"transaction_id":');
    const batch = batchOf('log', 'refused', rows);
    const before = await store().count('log');
    for (let time = 0; time < 2; time += 1) {
      const { refused } = await sink().write(batch, never);
      expect(refused.map(({ index }) => index)).toEqual([0, 77, 202]);
      for (const { reason } of refused) expect(reason).toMatch(/^\S[^\n]{10,}$/);
      expect((await store().count('log')) - before).toBe(200);
    }
  });

  test('of a batch of nothing but rows that it will never take stores nothing', async () => {
    const before = await store().count('log');
    const { refused } = await sink().write(batchOf('log', 'none', ['a', 'b', 'c']), never);
    expect(refused.map(({ index }) => index)).toEqual([0, 1, 2]);
    expect(await store().count('log')).toBe(before);
  });

  test('lets no field vanish that it does not know', async () => {
    // Of logs and summaries, whose rows are arrays, it is the reader of the stream that waits for a newer release (stream-reader.ts).
    const rows = [aDeadLetter(2500), { ...aDeadLetter(2501), new_field: 1 }];
    const { refused } = await sink().write(batchOf('dead_letter', 'unknown', rows), never);
    expect(refused.map(({ index }) => index)).toEqual([1]);
    expect(refused[0]?.reason).toContain('new_field');
  });
}

export function bearsTrouble({ make, store, sink }: Lab): void {
  test('throws a RetriableError while the store is away, and takes the batch when it is back', async () => {
    const batch = batchOf('log', 'away', [aLog(3000)]);
    const other = make();
    await store().setAway(true);
    await expect(sink().write(batch, never)).rejects.toThrow(RetriableError);
    await expect(other.open(never)).rejects.toThrow(RetriableError);
    await store().setAway(false);
    expect(await written(sink(), batch)).toEqual({ refused: [] });
    await other.close();
  });

  test('stores a batch once whose answer was lost', async ({ skip }) => {
    const { loseAnswer } = store();
    skip(loseAnswer === undefined, 'it has no network');
    const before = await store().count('log');
    const batch = batchOf(
      'log',
      'lost',
      Array.from({ length: 50 }, (_, i) => aLog(3100 + i)),
    );
    loseAnswer?.();
    await expect(sink().write(batch, never)).rejects.toThrow(RetriableError);
    expect((await store().count('log')) - before).toBe(50);
    expect(await sink().write(batch, never)).toEqual({ refused: [] });
    expect((await store().count('log')) - before).toBe(50);
  });

  test('throws a FatalError with words for the operator when it is not let in', async ({ skip }) => {
    const { wrongPassword } = store();
    skip(wrongPassword === undefined, 'it lets in everybody');
    const other = make(wrongPassword);
    await expect(other.open(never)).rejects.toThrow(FatalError);
    await expect(other.open(never)).rejects.toThrow(/password/);
    await expect(other.write(batchOf('log', 'who', [aLog(1)]), never)).rejects.toThrow(FatalError);
    await other.close();
  });

  test('gives up at once when it was told to before', async () => {
    const given = AbortSignal.abort();
    await expect(sink().write(batchOf('log', 'aborted', [aLog(4000)]), given)).rejects.toThrow(
      RetriableError,
    );
  });

  test('gives up when it is told to while the store is silent, and goes on after it', async ({ skip }) => {
    const { silence } = store();
    skip(silence === undefined, 'it has no network');
    const before = await store().count('log');
    const batch = batchOf('log', 'silent', [aLog(4100)]);
    const told = new AbortController();
    silence?.set(true);
    const writing = sink().write(batch, told.signal);
    writing.catch(() => undefined);
    await until('it was asked', () => silence?.unanswered() !== 0);
    told.abort();
    await expect(writing).rejects.toThrow(RetriableError);
    silence?.set(false);
    await written(sink(), batch);
    expect((await store().count('log')) - before).toBe(1);
  });
}
