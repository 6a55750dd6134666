import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { expect, test } from 'vitest';
import { describeReason, patienceFor, REASONS } from './reasons.ts';

/** The package's own copy of IBM's header. */
const header = readFileSync(createRequire(import.meta.url).resolve('ibmmq/src/unix/cmqc.h'), 'utf8');

test.each(Object.entries(REASONS))('%i has the name that MQ gives it', (code, { name }) => {
  expect(header).toMatch(new RegExp(`^ #define ${name} +${code}$`, 'm'));
});

test('what nobody knows is told by its number, and tried again soon', () => {
  expect(describeReason('GET', 4711)).toContain('MQGET failed with reason 4711');
  expect(patienceFor(4711)).toBe('soon');
});

test('what somebody has to mend is not tried again soon', () => {
  expect([2035, 2085, 2042, 2540].map(patienceFor)).toEqual(['later', 'later', 'later', 'later']);
  expect([2009, 2059, 2161, 2162, 2538].map(patienceFor)).toEqual(['soon', 'soon', 'soon', 'soon', 'soon']);
});
