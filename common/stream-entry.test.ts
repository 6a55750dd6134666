import fc from 'fast-check';
import { expect, test } from 'vitest';
import { LOG_COLUMNS } from './log-row.ts';
import { decodeEntry, encodeEntries, ENTRY_ROWS_MAX, fieldsOf, statusBefore } from './stream-entry.ts';

test('rows come out of entries in their order, in as few entries as the bound allows', () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.string({ minLength: 1 }).map((s) => JSON.stringify(s)),
        { minLength: 1, maxLength: 700 },
      ),
      (lines) => {
        const entries = encodeEntries(lines.map((line) => ({ line })));
        expect(entries.length).toBe(Math.ceil(lines.length / ENTRY_ROWS_MAX));
        expect(entries.map((entry) => entry.body).join('')).toBe(`${lines.join('\n')}\n`);
        expect(entries.reduce((sum, entry) => sum + entry.rows, 0)).toBe(lines.length);
      },
    ),
  );
});

const raw = (...fields: (string | Buffer)[]): [Buffer, Buffer[]] => [
  Buffer.from('1-0'),
  fields.map((field) => Buffer.from(field)),
];

test.each([
  ['of another version', ['v', '2', 'n', '1', 'logs', '{}\n']],
  ['of no version', ['n', '1', 'logs', '{}\n']],
  ['without rows', ['v', '1', 'n', '1']],
  ['whose last row has no end', ['v', '1', 'n', '1', 'logs', '{}\n{}']],
  ['that does not say how many rows it has', ['v', '1', 'logs', '{}\n']],
  ['that has none', ['v', '1', 'n', '0', 'logs', '\n']],
  ["that is another kind's", ['v', '1', 'n', '1', 'summaries', '{}\n']],
  ['that somebody added', ['hello', 'world']],
])('an entry %s is marked, and kept whole', (_, fields) => {
  const entry = decodeEntry('log', raw(...fields));
  expect(entry.broken).toMatch(/^(is|has|does)/);
  expect([entry.rows, entry.body.length, entry.fields.map(String)]).toEqual([0, 0, fields]);
});

test('an entry of ours is not, and a field that we do not know does no harm', () => {
  const entry = decodeEntry('log', raw('v', '1', 'n', '1', 'logs', '[]\n', 'more', 'x'));
  expect(entry).toMatchObject({ id: '1-0', rows: 1, body: Buffer.from('[]\n') });
  expect([entry.broken, entry.newer]).toEqual([undefined, undefined]);
});

test('an entry comes out as it went in, with how its rows are counted, day by day and input by input', () => {
  const counted = (day: string, input: string, interface_id: string) => ({ day, input, interface_id });
  const rows = [
    counted('2026-01-31', 'api', 'order'),
    counted('2026-01-31', 'api', ''),
    counted('2026-01-31', 'api', 'order'),
    counted('2026-01-31', 'files', 'order'),
    counted('2026-02-01', 'files', 'order'),
  ].map((one, index) => ({ line: `[${index}]`, counted: one }));
  const entries = encodeEntries(rows).map((entry) =>
    decodeEntry('log', raw(...fieldsOf('log', entry).map(String))),
  );
  expect(entries.map(({ rows: n, body, account }) => [n, String(body), account])).toEqual([
    [
      3,
      '[0]\n[1]\n[2]\n',
      {
        day: '2026-01-31',
        input: 'api',
        counts: new Map([
          ['order', 2],
          ['', 1],
        ]),
      },
    ],
    [1, '[3]\n', { day: '2026-01-31', input: 'files', counts: new Map([['order', 1]]) }],
    [1, '[4]\n', { day: '2026-02-01', input: 'files', counts: new Map([['order', 1]]) }],
  ]);
});

test('an entry whose rows have more columns than are known is marked', () => {
  const columns = (count: number) =>
    decodeEntry('log', raw('v', '1', 'n', '1', 'c', String(count), 'logs', '[]\n')).newer;
  expect([columns(LOG_COLUMNS.length), columns(LOG_COLUMNS.length + 1)]).toEqual([undefined, true]);
});

test('an entry says of each row what its transaction was before, also where rows fill several entries', () => {
  const before = ['', 'in_progress', 'completed', 'failed', 'timed_out'] as const;
  const rows = Array.from({ length: 2 * ENTRY_ROWS_MAX + 3 }, (_, index) => ({
    line: '{}',
    was: before[index % before.length] ?? '',
  }));
  const entries = encodeEntries(rows).map((entry) =>
    decodeEntry('summary', raw(...fieldsOf('summary', entry).map(String))),
  );
  const told = entries.flatMap((entry) =>
    Array.from({ length: entry.rows }, (_, row) => statusBefore(entry, row)),
  );
  expect(told).toEqual(rows.map(({ was }) => was));
  expect(
    statusBefore(decodeEntry('summary', raw('v', '1', 'n', '1', 'summaries', '{}\n')), 0),
  ).toBeUndefined();
});
