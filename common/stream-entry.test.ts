import fc from 'fast-check';
import { expect, test } from 'vitest';
import { PermanentError } from './errors.ts';
import { decodeEntry, decodeHeader, encodeEntries, ENTRY_ROWS_MAX, headerOf } from './stream-entry.ts';
import { logsOfOneTransaction } from './testing/log-arbitraries.ts';
import type { TrackingLog } from './tracking-log.ts';

const stamp = { ingest_time: '2026-01-31T09:15:01.000000Z', channel: 'http', input: 'i' };

test('what the merge needs of a log comes through the header as it was', () => {
  fc.assert(
    fc.property(logsOfOneTransaction(), (logs) => {
      const rows = logs.map((log) => headerOf({ ...log, ...stamp } as TrackingLog));
      expect(decodeHeader(Buffer.from(JSON.stringify(rows)))).toEqual(logs);
    }),
  );
});

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
  const entry = decodeEntry('log', raw('v', '1', 'n', '1', 'h', '[]', 'logs', '{}\n', 'more', 'x'));
  expect(entry).toMatchObject({ id: '1-0', rows: 1, header: Buffer.from('[]'), body: Buffer.from('{}\n') });
  expect(entry.broken).toBeUndefined();
});

const row = ['T1', 'send', 'failed', '2026-01-31T09:15:00.000000Z', 'e1'];
test.each<[string, unknown]>([
  ['that is no JSON', 'nonsense'],
  ['that is no array', {}],
  ['with a row that is none', [{}]],
  ...row.map((_, i) => [`without the ${i + 1}. field`, [row.with(i, null as never)]] as [string, unknown]),
  ['with a row that ends early', [row.slice(0, 4)]],
  ['with a number for a transaction', [row.with(0, 5 as never)]],
  ['with a status of its own', [row.with(2, 'done')]],
  ['with a time in another form', [row.with(3, '2026-01-31T09:15:00Z')]],
  ['with a text for an attempt', [[...row, null, '', '1']]],
  ['with a text for a duration', [[...row, null, '', 1, '12']]],
  ['with keys that are no object', [[...row, null, '', 1, null, null, null, null, ['a']]]],
  ['with a key whose value is no text', [[...row, null, '', 1, null, null, null, null, { a: 1 }]]],
])('a header %s is refused', (_, header) => {
  const text = typeof header === 'string' ? header : JSON.stringify(header);
  expect(() => decodeHeader(Buffer.from(text))).toThrow(PermanentError);
});
