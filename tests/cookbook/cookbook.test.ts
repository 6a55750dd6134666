import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '../../common/clock.ts';
import { batchOf } from '../../sinks/testing/rows.ts';
import { openFixture } from '../../sinks/clickhouse/fixture.ts';
import type { ClickHouseFixture } from '../../sinks/clickhouse/fixture.ts';
import { answers } from './answers.ts';
import { HOUR, MINUTE } from './by-hand.ts';
import type { Asked } from './by-hand.ts';
import { twoDays } from './two-days.ts';

/** The cookbook's statements over two days of logs: each answer is compared with one that was computed without SQL. */

const text = readFileSync(new URL('../../docs/sql-cookbook.md', import.meta.url), 'utf8');
/** `heading`, or `heading (2)` where there are several statements below one. */
const statements = [...text.matchAll(/^### (.*)\n([\s\S]*?)(?=^##|(?![\s\S]))/gm)].flatMap(
  ([, heading = '', body = '']) =>
    [...body.matchAll(/^```sql\n([\s\S]*?)^```$/gm)].map(([, sql = ''], i): [string, string] => [
      i === 0 ? heading : `${heading} (${i + 1})`,
      sql,
    ]),
);

const nowMs = systemClock.now();
const days = twoDays(7, nowMs);
const asked: Asked = { ...days, nowMs };

let fixture: ClickHouseFixture;
beforeAll(async () => {
  fixture = await openFixture();
  // A merge would put together what was sent twice, and the answer would depend on whether it came by.
  await fixture.server.client.command({ query: 'SYSTEM STOP MERGES tranweave.tracking_log' });
  for (const [kind, rows] of [
    ['log', days.logs],
    ['summary', days.revisions],
    ['dead_letter', days.deadLetters],
  ] as const) {
    const half = Math.ceil(rows.length / 2);
    await fixture.write(batchOf(kind, `${kind} 1`, rows.slice(0, half)));
    await fixture.write(batchOf(kind, `${kind} 2`, rows.slice(half)));
  }
});
afterAll(() => fixture[Symbol.asyncDispose]());

test('has at least a dozen questions, each of which is answered here, and no other', () => {
  expect(statements.length).toBeGreaterThan(12);
  expect(statements.map(([heading]) => heading)).toEqual(Object.keys(answers));
});

test('divides by ages that nothing is near to, so that it does not matter how long the test takes', () => {
  const near = days.revisions.filter(
    ({ updated_at }) => Math.abs(nowMs - Date.parse(updated_at) - HOUR) < 2 * MINUTE,
  );
  expect(near).toEqual([]);
});

describe('is answered as computed without SQL:', () => {
  test.each(statements)('%s', async (heading, sql) => {
    const rows = await fixture.server.rows<Record<string, unknown>>(sql);
    answers[heading]!(rows, asked);
  });
});
