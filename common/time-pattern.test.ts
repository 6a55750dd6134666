import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compileTimePattern, patternProblem } from './time-pattern.ts';
import { timeZone } from './time-zone.ts';

const zoneOf = (name: string) => timeZone(name)!;
const parse = (pattern: string, text: string, zone = 'UTC') =>
  compileTimePattern(pattern, zoneOf(zone)).parse(text);

describe('a time pattern', () => {
  test.each([
    ['dd MMM yyyy HH:mm:ss', '12 Jul 2021 12:34:52', 'UTC', '2021-07-12T12:34:52.000000Z'],
    ['dd MMM yyyy HH:mm:ss', '12 Jul 2021 12:34:52', 'Asia/Seoul', '2021-07-12T03:34:52.000000Z'],
    ['yyyyMMddHHmmssSSS', '20260131181500123', 'Asia/Seoul', '2026-01-31T09:15:00.123000Z'],
    ['yyyy-MM-dd HH:mm:ss,SSS', '2026-01-31 18:15:00,007', '+09:00', '2026-01-31T09:15:00.007000Z'],
    [
      "yyyy-MM-dd'T'HH:mm:ss.SSSSSSXXX",
      '2026-01-31T18:15:00.123456+09:00',
      'UTC',
      '2026-01-31T09:15:00.123456Z',
    ],
    ['d/M/yy h:mm a', '3/1/26 12:05 AM', 'UTC', '2026-01-03T00:05:00.000000Z'],
    ['yyyy.MM.dd a hh:mm', '2026.01.03 오후 01:05', 'Asia/Seoul', '2026-01-03T04:05:00.000000Z'],
    ['epoch_ms', '1769850900123', 'UTC', '2026-01-31T09:15:00.123000Z'],
    ['epoch_s', '1769850900.5', 'UTC', '2026-01-31T09:15:00.500000Z'],
    ['rfc3339', '2026-01-31T18:15:00+09:00', 'UTC', '2026-01-31T09:15:00.000000Z'],
  ])('%s reads %s in %s', (pattern, text, zone, expected) => {
    expect(parse(pattern, text, zone)).toBe(expected);
  });

  test.each([
    ['yyyy-MM-dd', '2026-02-30'],
    ['yyyy-MM-dd', '2026-13-01'],
    ['yyyy-MM-dd HH:mm', '2026-01-01 24:00'],
    ['yyyy-MM-dd', '2026-01-01 '],
    ['dd MMM yyyy', '12 Foo 2021'],
    ['hh:mm a dd.MM.yyyy', '13:00 PM 01.01.2026'],
    ['epoch_ms', 'yesterday'],
  ])('%s refuses %s', (pattern, text) => {
    expect(parse(pattern, text)).toBeUndefined();
  });

  test.each([
    ['HH:mm', 'has no year (yyyy)'],
    ['yyyy-MM-ddTHH:mm', "has the letter T as it stands: write 'T' in quotes"],
    ['yyyy-MM-dd hh:mm', 'has hh without a (am or pm); use HH'],
    ['yyyy-MM-dd Q', 'has the letter Q, which is not known; literal letters go in quotes'],
    ['yyyy-MM-dd dd', 'has a part twice'],
    ['yyyy-MM-dd', undefined],
  ])('%s: %s', (pattern, problem) => {
    expect(patternProblem(pattern)).toBe(problem);
  });
});

describe('a time zone', () => {
  test('that does not exist is undefined', () => {
    expect(timeZone('Asia/Seul')).toBeUndefined();
  });

  test('shows the wall time that it was asked for, as Intl sees it, except where the clock skipped it', () => {
    const zone = zoneOf('America/New_York');
    const shown = new Intl.DateTimeFormat('sv-SE', {
      timeZone: 'America/New_York',
      dateStyle: 'short',
      timeStyle: 'medium',
    });
    const seconds = fc.integer({ min: Date.UTC(1990, 0) / 1000, max: Date.UTC(2037, 0) / 1000 });
    fc.assert(
      fc.property(seconds, (s) => {
        const wall = new Date(s * 1000).toISOString().slice(0, 19).replace('T', ' ');
        const utc = zone.toUtc(s * 1000);
        const back = shown.format(utc);
        // In the skipped hour of spring, no instant shows that wall time; the one before the change is an hour on.
        const skipped =
          shown.format(utc - 3_600_000) < wall && back > wall && Number(back.slice(11, 13)) === 3;
        expect(back === wall || skipped).toBe(true);
      }),
    );
  });

  test('takes the first of two moments that show the same wall time, and goes on an hour later in a skipped one', () => {
    const zone = zoneOf('Europe/Berlin');
    expect(new Date(zone.toUtc(Date.UTC(2026, 9, 25, 2, 30))).toISOString()).toBe('2026-10-25T00:30:00.000Z');
    expect(new Date(zone.toUtc(Date.UTC(2026, 2, 29, 2, 30))).toISOString()).toBe('2026-03-29T01:30:00.000Z');
  });
});
