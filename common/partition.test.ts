import { expect, test } from 'vitest';
import { partitionOf } from './partition.ts';

// The first is the check value of CRC-32/ISO-HDLC (0xCBF43926); the others were computed with Python's zlib.crc32.
test.each([
  ['123456789', 0xcbf43926],
  ['ORD-2026-000001', 0x7e169bd8],
  ['주문-0001', 0x6136d3af],
  ['', 0],
])('partition of %s is frozen', (id, crc) => {
  for (const n of [1, 4, 7, 16, 1024]) expect(partitionOf(id, n)).toBe(crc % n);
});
