import { expect, test } from 'vitest';
import { summaryToLine } from '../common/summary-row.ts';
import { checkRow } from './check-row.ts';
import { aDeadLetter, aLog, aSummary } from './testing/rows.ts';

test('rows as they are written are taken', () => {
  const log = aLog(1, { duration_ms: 0.5, business_keys: { constructor_no: '1' }, payload: '\u0000한' });
  expect(checkRow('log', JSON.stringify(log), 'refuse')).toEqual({ row: log });
  expect(checkRow('summary', summaryToLine(aSummary(1)), 'refuse').reason).toBeUndefined();
  expect(checkRow('summary', JSON.stringify(aSummary(1)), 'refuse').reason).toBeUndefined();
  expect(checkRow('dead_letter', JSON.stringify(aDeadLetter(1)), 'refuse').reason).toBeUndefined();
});

test.each([
  ['"a text"', 'is not a JSON object'],
  ['[]', 'is not a JSON object'],
  ['{"transaction_id":', 'is not JSON: '],
  [JSON.stringify({ ...aLog(1), event_id: '' }), 'event_id: is required'],
  [JSON.stringify({ ...aLog(1), event_time: null }), 'event_time: is required'],
  [JSON.stringify({ ...aLog(1), event_time: '2026-02-30T00:00:00Z' }), 'event_time: is not a time'],
  [JSON.stringify({ ...aLog(1), record_count: 'many' }), 'record_count: is not a whole number from 0 on'],
  [JSON.stringify({ ...aLog(1), record_count: 1.5 }), 'record_count: is not a whole number from 0 on'],
  [JSON.stringify({ ...aLog(1), duration_ms: '1' }), 'duration_ms: is not a number'],
  [JSON.stringify({ ...aLog(1), attributes: { a: 1 } }), 'attributes: is not an object of texts'],
  [JSON.stringify({ ...aLog(1), node: ['a'] }), 'node: is not a text'],
  [JSON.stringify({ ...aLog(1), new_field: 1 }), 'new_field: is not a field that this release knows'],
  [
    '{"constructor":1}'.replace('{', JSON.stringify(aLog(1)).replace('}', ',')),
    'constructor: is not a field',
  ],
])('%s: %s', (line, reason) => {
  expect(checkRow('log', line, 'refuse').reason).toMatch(new RegExp(`^${reason}`));
});

test('a step is checked like a row', () => {
  const summary = aSummary(1);
  const withStep = (step: object) =>
    JSON.stringify({ ...summary, steps: [{ ...summary.steps[0], ...step }] });
  expect(checkRow('summary', withStep({ attempt: 'x' }), 'refuse').reason).toBe(
    'steps: attempt: is not a whole number from 0 on',
  );
  expect(checkRow('summary', JSON.stringify({ ...summary, late: 1 }), 'refuse').reason).toBe(
    'late: is not true or false',
  );
});

test('fields of a newer release may be kept', () => {
  const row = { ...aLog(1), new_field: { any: 1 } };
  expect(checkRow('log', JSON.stringify(row), 'keep')).toEqual({ row });
});
