import { expect, test } from 'vitest';
import { zonedTime } from './zoned-time.ts';

test.each([
  ['Asia/Seoul', '2026-01-31 18:15:00.123 +09:00'],
  ['UTC', '2026-01-31 09:15:00.123 UTC'],
  ['America/St_Johns', '2026-01-31 05:45:00.123 -03:30'],
  // Every zone that a config may name, also on a Node whose Intl knows no offsets.
  ['+09:00', '2026-01-31 18:15:00.123 +09:00'],
  ['-00:30', '2026-01-31 08:45:00.123 -00:30'],
])('a time as %s has it says so: %s', (zone, shown) => {
  expect(zonedTime(zone)('2026-01-31T09:15:00.123456Z')).toBe(shown);
});
