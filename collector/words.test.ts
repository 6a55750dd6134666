import fc from 'fast-check';
import { expect, test } from 'vitest';
import { copyBytes, isPlainText, standsAt, viewOf } from './words.ts';

const BYTES = fc.uint8Array({ minLength: 4, maxLength: 4 });
const NEAR = fc.constantFrom(
  0x00,
  0x1f,
  0x20,
  0x21,
  0x22,
  0x23,
  0x5b,
  0x5c,
  0x5d,
  0x7f,
  0x80,
  0xa2,
  0xdc,
  0xff,
);

test('four bytes are plain text if none of them is a quote, a backslash or a control character', () => {
  const four = fc.oneof(BYTES, fc.array(NEAR, { minLength: 4, maxLength: 4 }));
  fc.assert(
    fc.property(four, (bytes) => {
      const isPlain = [...bytes].every((byte) => byte >= 0x20 && byte !== 0x22 && byte !== 0x5c);
      expect(isPlainText(viewOf(Uint8Array.from(bytes)).getInt32(0, true))).toBe(isPlain);
    }),
    { numRuns: 20_000 },
  );
});

test('bytes are copied and compared as they are, however many, wherever they stand', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(9), fc.nat(9), (bytes, before, place) => {
      const from = viewOf(Buffer.concat([Buffer.alloc(before), bytes, Buffer.alloc(3)]));
      const target = Buffer.alloc(place + bytes.length + 3, 0xee);
      const end = copyBytes(from, before, before + bytes.length, viewOf(target), place);
      expect(end).toBe(place + bytes.length);
      expect([...target.subarray(place, end)]).toEqual([...bytes]);
      expect([...target.subarray(0, place), ...target.subarray(end)].every((byte) => byte === 0xee)).toBe(
        true,
      );
      expect(standsAt(viewOf(target), place, viewOf(bytes))).toBe(true);
      if (bytes.length === 0) return;
      target[place + (before % bytes.length)]! ^= 1;
      expect(standsAt(viewOf(target), place, viewOf(bytes))).toBe(false);
    }),
  );
});
