import fc from 'fast-check';
import { expect, test } from 'vitest';
import { timeZone } from '../../common/time-zone.ts';
import { windowsOf, wrongSize, zonedText } from './windows.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const SIZES = [MINUTE, 15 * MINUTE, HOUR, 3 * HOUR, 24 * HOUR, 7 * 24 * HOUR];
const ZONES = [
  'Asia/Seoul',
  'America/New_York',
  'Australia/Lord_Howe',
  'Atlantic/Azores',
  'America/Havana',
  'Asia/Kathmandu',
  '+09:00',
  'UTC',
];
const zoneOf = (name: string) => timeZone(name)!;
const texts = (zone: string, size: number, at: string) => {
  const { start, end } = windowsOf(size, zoneOf(zone))(Date.parse(at));
  return [zonedText(start, zoneOf(zone)), zonedText(end, zoneOf(zone))];
};

test('windows tile time: each holds its moments and begins where the one before ends, whatever the clock does', () => {
  const millis = fc.integer({ min: Date.UTC(2015, 0), max: Date.UTC(2030, 0) });
  fc.assert(
    fc.property(millis, fc.constantFrom(...SIZES), fc.constantFrom(...ZONES), (at, size, zone) => {
      const windows = windowsOf(size, zoneOf(zone));
      const { start, end } = windows(at);
      expect(start).toBeLessThanOrEqual(at);
      expect(end).toBeGreaterThan(at);
      expect(windows(start)).toEqual({ start, end });
      expect(windows(end - 1)).toEqual({ start, end });
      expect(windows(end).start).toBe(end);
      expect(windows(start - 1).end).toBe(start);
    }),
    { numRuns: 1000 },
  );
});

test.each(ZONES)('in %s windows tile the days on which the clock is changed', (zone) => {
  for (const size of SIZES.slice(1, 5)) {
    const windows = windowsOf(size, zoneOf(zone));
    for (const day of ['2026-03-08', '2026-03-29', '2026-04-04', '2026-10-03', '2026-10-24', '2026-11-01']) {
      const from = Date.parse(`${day}T00:00:00Z`);
      for (let at = from; at < from + 48 * HOUR; at += 15 * MINUTE) {
        const { start, end } = windows(at);
        expect([at >= start, at < end, windows(end).start, windows(start - 1).end]).toEqual([
          true,
          true,
          end,
          start,
        ]);
      }
    }
  }
});

test('hours and days are those of the zone', () => {
  expect(texts('Asia/Seoul', HOUR, '2026-03-01T23:59:59.999Z')).toEqual([
    '2026-03-02T08:00:00+09:00',
    '2026-03-02T09:00:00+09:00',
  ]);
  expect(texts('Asia/Seoul', 24 * HOUR, '2026-03-01T15:00:00Z')[0]).toBe('2026-03-02T00:00:00+09:00');
  expect(texts('Asia/Seoul', 7 * 24 * HOUR, '2026-03-01T15:00:00Z')[0]).toBe('2026-03-02T00:00:00+09:00');
});

test('a day is 23 or 25 hours long when the clock is changed, and an hour that is shown twice is two windows', () => {
  const length = (day: string) => {
    const { start, end } = windowsOf(
      24 * HOUR,
      zoneOf('America/New_York'),
    )(Date.parse(`${day}T12:00:00-05:00`));
    return (end - start) / HOUR;
  };
  expect([length('2026-03-08'), length('2026-11-01'), length('2026-11-02')]).toEqual([23, 25, 24]);
  expect(texts('America/New_York', HOUR, '2026-11-01T05:30:00Z')[0]).toBe('2026-11-01T01:00:00-04:00');
  expect(texts('America/New_York', HOUR, '2026-11-01T06:30:00Z')[0]).toBe('2026-11-01T01:00:00-05:00');
});

test('sizes that would not come out even are refused', () => {
  const sizes = [30_000, 7 * MINUTE, 90 * MINUTE, 5 * HOUR, 48 * HOUR];
  expect(sizes.filter((size) => wrongSize(size) === undefined)).toEqual([]);
  expect(SIZES.filter((size) => wrongSize(size) !== undefined)).toEqual([]);
});
