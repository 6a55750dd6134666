import { expect, test } from 'vitest';
import { summaryToLine } from '../common/summary-row.ts';
import { checkRow } from './check-row.ts';
import { aDeadLetter, aLog, aSummary, lineOf } from './testing/rows.ts';

const line = (log: object) => lineOf('log', log);

test('rows as they are written are taken', () => {
  const log = aLog(1, { duration_ms: 0.5, business_keys: { constructor_no: '1' }, payload: '\u0000한' });
  expect(checkRow('log', line(log), 'refuse')).toEqual({ row: log });
  expect(checkRow('summary', summaryToLine(aSummary(1)), 'refuse').reason).toBeUndefined();
  expect(checkRow('summary', lineOf('summary', aSummary(1)), 'refuse').reason).toBeUndefined();
  expect(checkRow('dead_letter', JSON.stringify(aDeadLetter(1)), 'refuse').reason).toBeUndefined();
});

test.each([
  ['"a text"', 'is not a JSON array'],
  ['{}', 'is not a JSON array'],
  ['[]', 'event_id: is required'],
  ['["T1",', 'is not JSON: '],
  [line({ ...aLog(1), event_id: '' }), 'event_id: is required'],
  [line({ ...aLog(1), event_time: null }), 'event_time: is required'],
  [line({ ...aLog(1), event_time: '2026-02-30T00:00:00Z' }), 'event_time: is not a time'],
  [line({ ...aLog(1), record_count: 'many' }), 'record_count: is not a whole number from 0 on'],
  [line({ ...aLog(1), record_count: 1.5 }), 'record_count: is not a whole number from 0 on'],
  [line({ ...aLog(1), duration_ms: '1' }), 'duration_ms: is not a number'],
  [line({ ...aLog(1), attributes: { a: 1 } }), 'attributes: is not an object of texts'],
  [line({ ...aLog(1), node: ['a'] }), 'node: is not a text'],
  [line({ ...aLog(1), new_field: 1 }), 'is not a JSON array of at most 26 values'],
])('%s: %s', (text, reason) => {
  expect(checkRow('log', text, 'refuse').reason).toMatch(new RegExp(`^${reason}`));
});

test('a step is checked like a row', () => {
  const summary = aSummary(1);
  const withStep = (step: object) =>
    lineOf('summary', { ...summary, steps: [{ ...summary.steps[0], ...step }] });
  expect(checkRow('summary', withStep({ attempt: 'x' }), 'refuse').reason).toBe(
    'steps: attempt: is not a whole number from 0 on',
  );
  expect(checkRow('summary', withStep({ new_field: 1 }), 'refuse').reason).toMatch(
    /with steps of at most 12$/,
  );
  expect(checkRow('summary', lineOf('summary', { ...summary, late: 1 }), 'refuse').reason).toBe(
    'late: is not true or false',
  );
});

test.each(['new_field', 'constructor'])('a field of a newer release may be kept: %s', (field) => {
  const row = { ...aDeadLetter(1), [field]: { any: 1 } };
  expect(checkRow('dead_letter', JSON.stringify(row), 'keep')).toEqual({ row });
  expect(checkRow('dead_letter', JSON.stringify(row), 'refuse').reason).toBe(
    `${field}: is not a field that this release knows; bring the sinks up to date`,
  );
});
