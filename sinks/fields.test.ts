import { expect, test } from 'vitest';
import { TRACKING_LOG_FIELDS } from '../common/tracking-log.ts';
import { FIELDS, STEP_FIELDS } from './fields.ts';
import { aDeadLetter, aSummary } from './testing/rows.ts';

test('are those of what is stored, in the same order', () => {
  const [step] = aSummary(1).steps;
  expect(Object.keys(FIELDS.log)).toEqual(TRACKING_LOG_FIELDS);
  expect(Object.keys(FIELDS.summary)).toEqual(Object.keys(aSummary(1)));
  expect(Object.keys(STEP_FIELDS)).toEqual(Object.keys(step!));
  expect(Object.keys(FIELDS.dead_letter)).toEqual(Object.keys(aDeadLetter(1)));
});
