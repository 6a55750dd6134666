import { expect, test } from 'vitest';
import { retentionOf } from './retention.ts';

const HOUR = 3_600_000;
const NOW = 1_769_850_000_000;
const config = { finished_retention: HOUR, open_retention: 10 * HOUR };
const counts = { steps_expected: 3, steps_finished: 1 };

test.each([
  ['completed', undefined, HOUR],
  ['failed', undefined, 10 * HOUR],
  ['timed_out', NOW - HOUR, 10 * HOUR],
  ['in_progress', undefined, 10 * HOUR],
  ['in_progress', NOW + HOUR, 10 * HOUR],
  // Beyond the retention: until it has passed, and as long again as what is finished is kept.
  ['in_progress', NOW + 20 * HOUR, 21 * HOUR],
] as const)('%s with a deadline at %s is kept for %s ms', (status, deadline, kept) => {
  const evaluation = { status, ...counts, ...(deadline === undefined ? {} : { deadline_at: deadline }) };
  expect(retentionOf(evaluation, NOW, config)).toBe(kept);
});
