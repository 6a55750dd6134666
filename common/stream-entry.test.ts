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

test('an entry of another version is refused, and so is one without rows', () => {
  const raw = (...fields: string[]): [Buffer, Buffer[]] => [
    Buffer.from('1-0'),
    fields.map((f) => Buffer.from(f)),
  ];
  expect(decodeEntry('log', raw('v', '1', 'n', '1', 'logs', 'x\n')).rows).toBe(1);
  expect(() => decodeEntry('log', raw('v', '2', 'n', '1', 'logs', 'x\n'))).toThrow(PermanentError);
  expect(() => decodeEntry('log', raw('v', '1', 'n', '1'))).toThrow(PermanentError);
  expect(() => decodeHeader(Buffer.from('{}'))).toThrow(PermanentError);
});
