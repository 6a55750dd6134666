import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Summary } from '../../common/summary.ts';
import { anyLog, anySummary, rowOf, standardLog } from '../testing/arbitraries.ts';
import { aSummary, batchOf } from '../testing/rows.ts';
import { openFixture } from './fixture.ts';
import type { ClickHouseFixture } from './fixture.ts';

/** Whatever the schema lets through is what ClickHouse gives back: no field is cut, rounded, moved or misread. */

let fixture: ClickHouseFixture;
beforeAll(async () => {
  fixture = await openFixture();
});
afterAll(() => fixture[Symbol.asyncDispose]());

async function rowsOf<T>(table: string): Promise<T[]> {
  const result = await fixture.server.client.query({
    query: `SELECT * FROM tranweave.${table}`,
    format: 'JSONEachRow',
    clickhouse_settings: { date_time_output_format: 'iso', output_format_json_quote_64bit_integers: 0 },
  });
  return result.json<T>();
}

const byEvent = (a: Record<string, unknown>, b: Record<string, unknown>) =>
  String(a['event_id']) < String(b['event_id']) ? -1 : 1;

test('every standard log', async () => {
  let stored = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(anyLog, { minLength: 1, maxLength: 12 }), async (records) => {
      await fixture.server.client.command({ query: 'TRUNCATE TABLE tranweave.tracking_log' });
      const logs = records.flatMap(standardLog);
      if (logs.length === 0) return;
      stored += 1;
      expect(await fixture.write(batchOf('log', `run ${stored}`, logs))).toEqual({ refused: [] });
      const rows = await rowsOf<Record<string, unknown>>('tracking_log');
      expect(rows.sort(byEvent)).toEqual(logs.map(rowOf).sort(byEvent));
    }),
    { numRuns: 40 },
  );
  expect(stored).toBeGreaterThan(20);
}, 120_000);

test('every summary', async () => {
  let run = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(anySummary, { minLength: 1, maxLength: 8 }), async (changes) => {
      await fixture.server.client.command({ query: 'TRUNCATE TABLE tranweave.transaction_summary_revision' });
      const summaries = changes.map((change, i) => aSummary(i, change));
      expect(await fixture.write(batchOf('summary', `run ${(run += 1)}`, summaries))).toEqual({
        refused: [],
      });
      const rows = await rowsOf<Summary>('transaction_summary');
      expect(rows.sort((a, b) => (a.transaction_id < b.transaction_id ? -1 : 1))).toEqual(summaries);
    }),
    { numRuns: 40 },
  );
}, 120_000);
