import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { anyLog, anySummary, rowOf, standardLog } from '../testing/arbitraries.ts';
import { aDeadLetter, aSummary, batchOf } from '../testing/rows.ts';
import { describeEachStore, never, openFixture } from './fixture.ts';
import type { SqlFixture } from './fixture.ts';

/** Whatever the schema lets through is what the stores give back, or is refused by name: no field is cut, rounded, moved or misread. */

const by = (field: string) => (a: Record<string, unknown>, b: Record<string, unknown>) =>
  String(a[field]) < String(b[field]) ? -1 : 1;
const holdsNul = (row: object) => JSON.stringify(row).includes(String.raw`\u0000`);

describeEachStore((kit) => {
  let fixture: SqlFixture;
  beforeAll(async () => {
    fixture = await openFixture(kit);
  });
  afterAll(() => fixture[Symbol.asyncDispose]());

  test('keeps every standard log', async () => {
    let stored = 0;
    let refusedInAll = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(anyLog, { minLength: 1, maxLength: 12 }), async (records) => {
        await fixture.empty();
        const logs = records.flatMap(standardLog);
        const kept = kit.type === 'postgresql' ? logs.filter((log) => !holdsNul(log)) : logs;
        const { refused } = await fixture.sink.write(batchOf('log', 'run', logs), never);
        expect(refused.length).toBe(logs.length - kept.length);
        stored += kept.length;
        refusedInAll += refused.length;
        const rows = await fixture.read('tracking_log');
        expect(rows.sort(by('event_id'))).toEqual(kept.map(rowOf).sort(by('event_id')));
      }),
      { numRuns: 60 },
    );
    expect(stored).toBeGreaterThan(100);
    expect(refusedInAll > 0).toBe(kit.type === 'postgresql');
  }, 120_000);

  test('keeps every summary', async () => {
    let stored = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(anySummary, { minLength: 1, maxLength: 8 }), async (changes) => {
        await fixture.empty();
        const summaries = changes.map((change, i) => aSummary(i, change));
        const kept = kit.type === 'postgresql' ? summaries.filter((row) => !holdsNul(row)) : summaries;
        const { refused } = await fixture.sink.write(batchOf('summary', 'run', summaries), never);
        expect(refused.length).toBe(summaries.length - kept.length);
        stored += kept.length;
        expect((await fixture.read('transaction_summary')).sort(by('transaction_id'))).toEqual(kept);
      }),
      { numRuns: 60 },
    );
    expect(stored).toBeGreaterThan(100);
  }, 120_000);

  test('keeps every dead letter', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 5 }), async (raws) => {
        await fixture.empty();
        const letters = raws.map((raw, i) =>
          aDeadLetter(i, { raw_base64: Buffer.from(raw).toString('base64') }),
        );
        await fixture.sink.write(batchOf('dead_letter', 'run', letters), never);
        expect((await fixture.read('dead_letter')).sort(by('event_id'))).toEqual(letters);
      }),
      { numRuns: 30 },
    );
  }, 60_000);

  test('keeps transactions whose ids differ in case, accents or spaces at the end alone', async () => {
    await fixture.empty();
    const ids = ['A', 'a', 'á', 'A ', 'A  ', 'ａ', 'ß', 'ss'];
    const summaries = ids.map((id) => aSummary(1, { transaction_id: id }));
    await fixture.sink.write(batchOf('summary', 'ids', summaries), never);
    const kept = (await fixture.read('transaction_summary')).map((row) => row['transaction_id']);
    expect([kept.length, new Set(kept)]).toEqual([ids.length, new Set(ids)]);
  });
});
