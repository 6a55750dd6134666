import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ForeignDataError } from '../common/errors.ts';
import { merge } from '../common/merge.ts';
import type { MergeLog } from '../common/merge.ts';
import { logsOfOneTransaction } from '../common/testing/log-arbitraries.ts';
import type { TransactionState } from '../common/transaction-state.ts';
import { decodeRecord, encodeRecord } from './stored-record.ts';
import type { TransactionRecord } from './transaction-record.ts';

const CREATED_AT = 1_769_850_000_000;

function recordOf(logs: readonly MergeLog[], more: Partial<TransactionRecord> = {}): TransactionRecord {
  const state = logs.reduce<TransactionState | undefined>(merge, undefined);
  const kept = { version: 3, late: true, created_at: CREATED_AT, updated_at: CREATED_AT + 5 };
  return { state: state!, kept, status: 'failed', logs: [5, -7, 2 ** 31 - 1], ...more };
}

/** Of several hours, with words that JSON must escape. */
const anyLogs = fc
  .tuple(
    logsOfOneTransaction(),
    fc.infiniteStream(fc.constantFrom('08:59', '09:00', '09:15', '10:00')),
    fc.infiniteStream(fc.constantFrom('', '"', 'a\\b\n', '가')),
  )
  .map(([logs, times, words]) =>
    logs.map((log) => ({
      ...log,
      event_time: log.event_time.replace('09:15', times.next().value),
      business_keys: { ...log.business_keys, word: words.next().value! },
    })),
  );

test('a record is the same after it was kept in Redis', () => {
  fc.assert(
    fc.property(anyLogs, fc.option(fc.nat()), fc.boolean(), (logs, due, late) => {
      const record = recordOf(logs, due === null ? {} : { deadline_at: CREATED_AT + due });
      record.kept.late = late;
      const read = decodeRecord(encodeRecord(record), 'key');
      // Strictly: what is undefined is there, since states of one shape are merged faster.
      expect(read).toStrictEqual(record);
      expect(isDeepStrictEqual(read, record)).toBe(true);
    }),
    { numRuns: 1000 },
  );
});

test('merging goes on from a record that was kept as if it had never been away', () => {
  fc.assert(
    fc.property(anyLogs, fc.nat(), (logs, at) => {
      const cut = 1 + (at % logs.length);
      const { state } = decodeRecord(encodeRecord(recordOf(logs.slice(0, cut))), 'key');
      const gone = logs.slice(cut).reduce(merge, state);
      expect(gone).toStrictEqual(recordOf(logs).state);
    }),
    { numRuns: 1000 },
  );
});

test.each([
  'nonsense',
  '5',
  'null',
  '{}',
  '[]',
  '{"state":{"steps":[]},"kept":{"version":1},"logs":[]}',
  // Of a format that comes after this one, and one that was cut off.
  encodeRecord(recordOf([aLog()])).replace('[1,', '[2,'),
  JSON.stringify((JSON.parse(encodeRecord(recordOf([aLog()]))) as unknown[]).slice(0, -1)),
])('it is not made of what is not ours: %s', (json) => {
  expect(() => decodeRecord(json, 'key')).toThrow(ForeignDataError);
  expect(() => decodeRecord(json, 'key')).toThrow('under key');
});

function aLog(): MergeLog {
  return {
    transaction_id: 'T1',
    step: 'send',
    status: 'succeeded',
    event_time: '2026-01-31T09:15:00.000000Z',
    event_id: 'e',
  };
}
