import fc from 'fast-check';
import { expect, test } from 'vitest';
import { bookingArguments, decodeAccount, encodeAccount, parseBooking } from './account.ts';
import type { Booking } from './account.ts';

const DAY = '2026-01-31';

test('an account comes out of an entry as it went in, whatever the names', () => {
  fc.assert(
    fc.property(fc.string(), fc.dictionary(fc.string(), fc.integer({ min: 1 })), (input, counts) => {
      const account = { day: DAY, input, counts: new Map(Object.entries(counts)) };
      expect(decodeAccount(encodeAccount(account))).toEqual(account);
    }),
  );
});

test.each([
  '',
  'x',
  '{}',
  '[]',
  '["2026-01-31"]',
  '["yesterday","api",[]]',
  '["2026-01-31","api",[["a"]]]',
  '["2026-01-31","api",[["a","1"]]]',
])('what is no account is none: %s', (text) => {
  expect(decodeAccount(text)).toBeUndefined();
});

test('bookings are added up field by field, and read back as they were booked', () => {
  const interfaces = fc.oneof(fc.string(), fc.constantFrom('', 'order', 'a\tb', '__proto__'));
  const bookings = fc.array(
    fc.record({
      day: fc.constantFrom(DAY, '2026-02-01'),
      booked: fc.constantFrom('accepted' as const, 'taken:clickhouse' as const),
      input: fc.constantFrom('api', 'files'),
      interface_id: interfaces,
      count: fc.integer({ min: 1, max: 1000 }),
    }),
    { maxLength: 40 },
  );
  fc.assert(
    fc.property(bookings, (given) => {
      const { keys, args } = bookingArguments(given, (day) => `account:${day}`, 3);
      const [count, ...triples] = args;
      expect(triples).toHaveLength(3 * Number(count));
      const places = Array.from({ length: Number(count) }, (_, index) => Number(triples[3 * index]));
      expect(places).toEqual([...places].sort((a, b) => a - b));
      const read: Booking[] = [];
      for (let at = 0; at < triples.length; at += 3) {
        const day = String(keys[Number(triples[at]) - 4]).slice('account:'.length);
        const booking = parseBooking(day, String(triples[at + 1]), String(triples[at + 2]));
        if (booking !== undefined) read.push(booking);
      }
      expect(sums(read)).toEqual(sums(given));
      expect(new Set(read.map(nameOf)).size).toBe(read.length);
    }),
  );
});

function nameOf({ day, booked, input, interface_id }: Booking): string {
  return JSON.stringify([day, booked, input, interface_id]);
}

function sums(bookings: readonly Booking[]): Map<string, number> {
  const found = new Map<string, number>();
  for (const booking of bookings)
    found.set(nameOf(booking), (found.get(nameOf(booking)) ?? 0) + booking.count);
  return found;
}
