import fc from 'fast-check';
import { expect, test } from 'vitest';
import { partitionOf, crcOfBytes } from './partition.ts';

// The first is the check value of CRC-32/ISO-HDLC (0xCBF43926); the others were computed with Python's zlib.crc32.
test.each([
  ['123456789', 0xcbf43926],
  ['ORD-2026-000001', 0x7e169bd8],
  ['주문-0001', 0x6136d3af],
  ['', 0],
])('partition of %s is frozen', (id, crc) => {
  for (const n of [1, 4, 7, 16, 1024]) expect(partitionOf(id, n)).toBe(crc % n);
});

test('an id that stands among other bytes has the partition of its text', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: 'grapheme' }),
      fc.string(),
      fc.integer({ min: 1, max: 1024 }),
      (id, around, n) => {
        const [before, bytes] = [Buffer.from(around), Buffer.from(id)];
        const all = Buffer.concat([before, bytes, before]);
        expect(crcOfBytes(all, before.length, before.length + bytes.length) % n).toBe(partitionOf(id, n));
      },
    ),
  );
});
