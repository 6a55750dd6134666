import fc from 'fast-check';
import { expect, test } from 'vitest';
import { PermanentError } from './errors.ts';
import { LOG_COLUMNS, logToLine, mergeLogsOf } from './log-row.ts';
import { logsOfOneTransaction } from './testing/log-arbitraries.ts';
import { TRACKING_LOG_FIELDS } from './tracking-log.ts';
import type { TrackingLog } from './tracking-log.ts';
import { rowFromLine } from './wire-row.ts';

const stamp = { ingest_time: '2026-01-31T09:15:01.000000Z', channel: 'http', input: 'i' };

/** As an entry's body. */
function bodyOf(rows: readonly unknown[]): Buffer {
  return Buffer.from(rows.map((row) => `${typeof row === 'string' ? row : JSON.stringify(row)}\n`).join(''));
}

test('every field of the standard log has its column, once', () => {
  expect([...LOG_COLUMNS].sort()).toEqual([...TRACKING_LOG_FIELDS].sort());
});

test('columns keep their places for ever: rows in streams outlive a release', () => {
  expect(LOG_COLUMNS.join(' ')).toBe(
    'transaction_id step status event_time event_id interface_id branch attempt duration_ms node error_code error_message business_keys ' +
      'parent_transaction_id source_system target_system ingest_time channel input process message_size record_count trace_id span_id attributes payload',
  );
});

const wholeLogs = logsOfOneTransaction().chain((logs) =>
  fc.tuple(
    ...logs.map((log) =>
      fc
        .record(
          {
            process: fc.string(),
            message_size: fc.nat(),
            attributes: fc.dictionary(fc.string({ minLength: 1 }), fc.string()),
            // Long enough that only the beginning of rows is parsed, and full of what could mislead whoever looks for its end.
            payload: fc.oneof(
              fc.string(),
              fc
                .array(fc.constantFrom('"', '\\', ',', '[', ']', '\n', '한'), { minLength: 900 })
                .map((x) => x.join('')),
            ),
          },
          { requiredKeys: [] },
        )
        .map((more) => ({ ...log, ...stamp, ...more }) as TrackingLog),
    ),
  ),
);

test('a log comes out of its row as it went in, and the merge gets what it needs', () => {
  fc.assert(
    fc.property(wholeLogs, (logs) => {
      const lines = logs.map(logToLine);
      expect(lines.map((line) => rowFromLine('log', line).row)).toEqual(logs);
      const read = mergeLogsOf(bodyOf(lines), lines.length);
      const { process: _p, message_size: _m, attributes: _a, payload: _y, ...first } = logs[0]!;
      const { ingest_time: _i, channel: _c, input: _n, ...merged } = first;
      expect(read).toHaveLength(logs.length);
      expect(read[0]).toEqual(merged);
    }),
  );
});

const row = ['T1', 'send', 'failed', '2026-01-31T09:15:00.000000Z', 'e1'];
test.each<[string, unknown]>([
  ['that is no JSON', 'nonsense'],
  ['that is no array', {}],
  ['whose text has no end', '["T1","sen'],
  ...row.map((_, i) => [`without the ${i + 1}. column`, row.with(i, null as never)] as [string, unknown]),
  ['that ends early', row.slice(0, 4)],
  ['with a number for a transaction', row.with(0, 5 as never)],
  ['with a status of its own', row.with(2, 'done')],
  ['with a time in another form', row.with(3, '2026-01-31T09:15:00Z')],
  ['with a text for an attempt', [...row, null, '', '1']],
  ['with a text for a duration', [...row, null, '', 1, '12']],
  ['with keys that are no object', [...row, null, '', 1, null, null, null, null, ['a']]],
  ['with a key whose value is no text', [...row, null, '', 1, null, null, null, null, { a: 1 }]],
])('a row %s is refused, also beside a large one', (_, bad) => {
  expect(() => mergeLogsOf(bodyOf([bad]), 1)).toThrow(PermanentError);
  const large = [
    ...row,
    ...Array.from({ length: LOG_COLUMNS.length - row.length - 1 }, () => null),
    'x'.repeat(5000),
  ];
  expect(() => mergeLogsOf(bodyOf([large, bad]), 2)).toThrow(PermanentError);
});

test('an entry that says another number of rows is refused', () => {
  expect(() => mergeLogsOf(bodyOf([row]), 2)).toThrow('does not have as many rows');
  expect(() => mergeLogsOf(bodyOf([row, row]), 1)).toThrow('does not have as many rows');
});

test.each([
  ['an object', '{}'],
  [
    'more values than there are columns',
    JSON.stringify(Array.from({ length: LOG_COLUMNS.length + 1 }, () => 'x')),
  ],
  ['no JSON', '[1,'],
])('a line that is %s is no row', (_, line) => {
  expect(rowFromLine('log', line).reason).toMatch(/^is not/);
});
