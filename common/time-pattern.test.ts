import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compileTimePattern, patternProblem } from './time-pattern.ts';
import { timeZone } from './time-zone.ts';

const zoneOf = (name: string) => timeZone(name)!;
const parse = (pattern: string, text: string, zone = 'UTC') =>
  compileTimePattern(pattern, zoneOf(zone)).parse(text, Date.UTC(2026, 0, 31));

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
    ['yyyyMMdd', '00500101'],
    ['d/MM/yyyy', '1/01/0050'],
    ['yyyyMMddHHmmssSSS', '2026013118150012x'],
    ['yyyy-MM-dd HH:mmXXX', '2026-01-31 18:15+24:00'],
    ['yyyy-MM-dd HH:mmZ', '2026-01-31 18:15+0960'],
    ['yyyy-MM-dd HH:mmX', '2026-01-31 18:15-99'],
    ['rfc3339', '0001-01-01T00:00:00Z'],
  ])('%s refuses %s', (pattern, text) => {
    expect(parse(pattern, text)).toBeUndefined();
  });

  test.each([
    ['HH:mm', 'has no month (MM or MMM)'],
    ['yyyy-MM', 'has no day (dd)'],
    ['MMM d HH:mm:ss', undefined],
    ['yyyy-MM-ddTHH:mm', "has the letter T as it stands: write 'T' in quotes"],
    ['yyyy-MM-dd hh:mm', 'has hh without a (am or pm); use HH'],
    ['yyyy-MM-dd Q', 'has the letter Q, which is not known; literal letters go in quotes'],
    ['yyyy-MM-dd dd', 'has a part twice'],
    ['yyyy-MM-dd', undefined],
  ])('%s: %s', (pattern, problem) => {
    expect(patternProblem(pattern)).toBe(problem);
  });
});

test('a zone is no offset that no clock has', () => {
  expect(['+23:59', '+24:00', '-09:60', '+99:99'].map((name) => timeZone(name)?.name)).toEqual([
    '+23:59',
    undefined,
    undefined,
    undefined,
  ]);
});

describe('a time without a year', () => {
  const near = (text: string, now: string, zone = 'UTC') =>
    compileTimePattern('MMM d HH:mm:ss', zoneOf(zone)).parse(text, Date.parse(now));

  test.each([
    ['Jan 31 18:15:00', '2026-01-31T18:15:09Z', '2026-01-31T18:15:00.000000Z'],
    ['Jan  1 00:00:01', '2026-12-31T23:59:58Z', '2027-01-01T00:00:01.000000Z'],
    ['Dec 31 23:59:58', '2027-01-01T00:00:01Z', '2026-12-31T23:59:58.000000Z'],
    ['Feb 29 12:00:00', '2027-02-27T00:00:00Z', '2028-02-29T12:00:00.000000Z'],
    ['Feb 29 12:00:00', '2026-02-27T00:00:00Z', undefined],
  ])('%s, taken at %s, is %s', (text, now, expected) => {
    expect(near(text, now)).toBe(expected);
  });

  test('is nearest in its zone', () => {
    expect(near('Jan  1 08:59:59', '2026-12-31T23:50:00Z', 'Asia/Seoul')).toBe('2026-12-31T23:59:59.000000Z');
  });
});

test('a fixed pattern, which is read without a regular expression, gives the same as it would by one', () => {
  const digits = fc.integer({ min: 0, max: 99 }).map((n) => String(n).padStart(2, '0'));
  const anything = fc.string({ unit: fc.constantFrom('0', '1', '2', '3', '9', '-', ' '), maxLength: 19 });
  const likely = fc
    .tuple(fc.constantFrom('19', '20', '22', '00', '18'), ...Array.from({ length: 6 }, () => digits), digits)
    .map((parts) => `${parts.join('')}7`);
  const fixed = compileTimePattern('yyyyMMddHHmmssSSS', zoneOf('+09:00'));
  // An offset may be Z, so that a pattern with one is none whose every digit has its place.
  const byRegex = compileTimePattern('yyyyMMddHHmmssSSSXXX', zoneOf('UTC'));
  fc.assert(
    fc.property(fc.oneof(likely, anything), (text) => {
      expect(fixed.parse(text, 0)).toBe(byRegex.parse(`${text}+09:00`, 0));
    }),
    { numRuns: 2000 },
  );
});

describe('a time zone', () => {
  test('that does not exist is undefined', () => {
    expect(timeZone('Asia/Seul')).toBeUndefined();
    expect(timeZone('+24:00')).toBeUndefined();
    expect(timeZone('+09:60')).toBeUndefined();
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
