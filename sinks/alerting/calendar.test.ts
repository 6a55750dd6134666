import * as v from 'valibot';
import { expect, test } from 'vitest';
import { calendarsSchema, createCalendar } from './calendar.ts';

const calendarOf = (config: object) =>
  createCalendar(v.parse(calendarsSchema, [{ name: 'c', ...config }])[0]!);
const at = Date.parse;

test('hours are those of the zone, from the first minute to before the last', () => {
  const isOpen = calendarOf({
    time_zone: 'Asia/Seoul',
    hours: [{ days: ['mon', 'tue', 'wed', 'thu', 'fri'], from: '09:00', to: '18:00' }],
    holidays: ['2026-01-01'],
  });
  const cases: [string, boolean][] = [
    ['2026-01-30T09:00:00+09:00', true],
    ['2026-01-30T08:59:59+09:00', false],
    ['2026-01-30T17:59:59+09:00', true],
    ['2026-01-30T18:00:00+09:00', false],
    // Saturday in Seoul, Friday in London.
    ['2026-01-31T00:30:00+09:00', false],
    ['2026-01-01T10:00:00+09:00', false],
    ['2026-01-02T10:00:00+09:00', true],
  ];
  for (const [time, open] of cases) expect([time, isOpen(at(time))]).toEqual([time, open]);
});

test('summer time moves the hours with it', () => {
  const isOpen = calendarOf({
    time_zone: 'America/New_York',
    hours: [{ days: ['mon'], from: '09:00', to: '10:00' }],
  });
  expect([isOpen(at('2026-03-02T14:30:00Z')), isOpen(at('2026-03-02T13:30:00Z'))]).toEqual([true, false]);
  expect([isOpen(at('2026-03-09T14:30:00Z')), isOpen(at('2026-03-09T13:30:00Z'))]).toEqual([false, true]);
});

test('a day may be open to its end, and have several spans', () => {
  const isOpen = calendarOf({
    hours: [
      { days: ['sun'], from: '22:00', to: '24:00' },
      { days: ['sun', 'mon'], from: '00:00', to: '02:00' },
    ],
  });
  const open = ['2026-02-01T23:59:00Z', '2026-02-02T00:00:00Z', '2026-02-01T01:59:00Z'];
  const closed = ['2026-02-02T02:00:00Z', '2026-02-01T21:59:00Z', '2026-02-02T22:30:00Z'];
  expect(open.map((time) => isOpen(at(time)))).toEqual([true, true, true]);
  expect(closed.map((time) => isOpen(at(time)))).toEqual([false, false, false]);
});
