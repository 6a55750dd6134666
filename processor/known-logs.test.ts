import { expect, test } from 'vitest';
import type { MergeLog } from '../common/merge.ts';
import { hashOf, KNOWN_LOGS_MAX, noteLogs } from './known-logs.ts';

function logs(...ids: string[]): MergeLog[] {
  return ids.map((event_id) => ({
    event_id,
    transaction_id: 'T',
    step: 'send',
    status: 'started',
    event_time: '2026-01-31T09:15:00.000000Z',
  }));
}

test('new logs are noted, and those that came before are told by their place', () => {
  const first = noteLogs([], logs('a', 'b', 'a'));
  expect(first).toEqual({ known: [hashOf('a'), hashOf('b')], repeated: [2] });
  expect(noteLogs(first.known, logs('c', 'b'))).toEqual({
    known: [...first.known, hashOf('c')],
    repeated: [1],
  });
});

test('a list to which nothing is added stays the same one', () => {
  const { known } = noteLogs([], logs('a'));
  expect(noteLogs(known, logs('a', 'a')).known).toBe(known);
});

test('of a transaction with very many logs the first are known, and all others count as new', () => {
  const ids = Array.from({ length: KNOWN_LOGS_MAX + 2 }, (_, i) => `e${i}`);
  const { known, repeated } = noteLogs([], logs(...ids, 'e0', ids.at(-1) ?? ''));
  expect(known).toHaveLength(KNOWN_LOGS_MAX);
  expect(repeated).toEqual([ids.length]);
});
