import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  canonicalTimestamp,
  microsOf,
  millisBetween,
  minusMicros,
  NO_UTC,
  timestampFromMicros,
  timestampFromMillis,
  utcFractionAt,
} from './timestamp.ts';

const micros = fc.integer({ min: Date.UTC(1901, 0) * 1000, max: Date.UTC(2200, 0) * 1000 });

test('microseconds and canonical texts are two ways of one time', () => {
  fc.assert(
    fc.property(micros, (value) => {
      const text = timestampFromMicros(value)!;
      expect(text).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
      expect(microsOf(text)).toBe(value);
      expect(canonicalTimestamp(text)).toBe(text);
      expect(canonicalTimestamp(text.replace('Z', '+00:00'))).toBe(text);
    }),
  );
});

test('texts compare as times do', () => {
  fc.assert(
    fc.property(micros, micros, (a, b) => {
      expect(timestampFromMicros(a)! < timestampFromMicros(b)!).toBe(a < b);
      expect(millisBetween(timestampFromMicros(a)!, timestampFromMicros(b)!)).toBeCloseTo((b - a) / 1000, 3);
    }),
  );
});

test('taking microseconds away is the same with and without a calendar', () => {
  fc.assert(
    fc.property(
      micros,
      fc.oneof(fc.integer({ min: 0, max: 90_000_000 }), fc.integer({ min: 0, max: 1e13 })),
      (at, less) => {
        expect(minusMicros(timestampFromMicros(at)!, less)).toBe(
          timestampFromMicros(at - less) ?? timestampFromMicros(at),
        );
      },
    ),
  );
});

test('a wall time in milliseconds is a canonical text, asked once or twice', () => {
  const at = Date.UTC(2026, 0, 31, 9, 15, 0, 7);
  expect([timestampFromMillis(at), timestampFromMillis(at), timestampFromMillis(at + 1)]).toEqual([
    '2026-01-31T09:15:00.007000Z',
    '2026-01-31T09:15:00.007000Z',
    '2026-01-31T09:15:00.008000Z',
  ]);
});

test('any wall time is the text that the calendar gives it', () => {
  fc.assert(
    fc.property(fc.integer({ min: Date.UTC(1901, 0), max: Date.UTC(2200, 0) }), (at) => {
      expect(timestampFromMillis(at)).toBe(new Date(at).toISOString().replace('Z', '000Z'));
    }),
  );
});

test('the time between two moments is the same with and without a calendar', () => {
  fc.assert(
    fc.property(micros, fc.integer({ min: -90_000_000, max: 90_000_000 }), (at, more) => {
      expect(millisBetween(timestampFromMicros(at)!, timestampFromMicros(at + more)!)).toBe(more / 1000);
    }),
  );
});

test.each([
  ['2026-02-29T00:00:00.000000Z', undefined],
  ['2024-02-29T00:00:00.000000Z', '2024-02-29T00:00:00.000000Z'],
  ['2100-02-29T00:00:00.000000Z', undefined],
  ['2026-13-01T00:00:00.000000Z', undefined],
  ['2026-01-01T24:00:00.000000Z', undefined],
  ['2026-01-01T00:60:00.000000Z', undefined],
  ['1899-12-31T00:00:00.000000Z', undefined],
  ['2026-01-01T00:00:60.000000Z', '2026-01-01T00:01:00.000000Z'],
  ['2026-01-0aT00:00:00.000000Z', undefined],
  ['2026-01-01T00:00:00.12345678Z', '2026-01-01T00:00:00.123456Z'],
  ['2026-01-01 00:00:00,5+0900', '2025-12-31T15:00:00.500000Z'],
  ['2026-01-01T00:00:00', undefined],
  // What Go and .NET write of a time that is not set.
  ['0001-01-01T00:00:00Z', undefined],
  ['0001-01-01T00:00:00.000000Z', undefined],
  ['0001-01-01T00:00:00+09:00', undefined],
  ['0000-01-01T00:00:00Z', undefined],
  ['0099-12-31T23:59:60Z', undefined],
  ['1899-12-31T23:30:00-01:00', '1900-01-01T00:30:00.000000Z'],
  ['2026-01-01T00:00:00+23:59', '2025-12-31T00:01:00.000000Z'],
  ['2026-01-01T00:00:00+24:00', undefined],
  ['2026-01-01T00:00:00-09:60', undefined],
  ['2026-01-01T00:00:00+99:99', undefined],
])('%s is %s', (text, expected) => {
  expect(canonicalTimestamp(text)).toBe(expected);
});

test('a time in UTC is known by its bytes, wherever they stand, and nothing else is taken for one', () => {
  const put = fc.tuple(fc.nat(26), fc.constantFrom('0', '9', '3', '-', ':', '.', 'T', 'Z', ' ', '/', ';'));
  const digits = fc.constantFrom(0, 1, 3, 6, 7, 9);
  fc.assert(
    fc.property(micros, digits, fc.array(put, { maxLength: 2 }), fc.string(), (value, n, damages, around) => {
      const whole = `${timestampFromMicros(value)!.slice(0, -1)}789`;
      let text = `${whole.slice(0, n === 0 ? 19 : 20 + n)}Z`;
      for (const [at, character] of damages) text = `${text.slice(0, at)}${character}${text.slice(at + 1)}`;
      const before = Buffer.byteLength(around);
      const bytes = Buffer.from(`${around}${text}${around}`);
      for (const part of [text, text.slice(0, -1)]) {
        // As its text says it, padded or cut.
        const [, seconds, fraction = ''] = /^(.{19})(?:\.(\d{1,9}))?Z$/.exec(part) ?? [];
        const canonical = `${seconds}.${fraction.padEnd(6, '0').slice(0, 6)}Z`;
        const isUtc = seconds !== undefined && canonicalTimestamp(part) === canonical;
        const found = utcFractionAt(bytes, before, before + part.length);
        expect(found).toBe(isUtc ? fraction.length : NO_UTC);
      }
    }),
    { numRuns: 2000 },
  );
});
