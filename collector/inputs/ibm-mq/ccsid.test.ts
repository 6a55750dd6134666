import { describe, expect, test } from 'vitest';
import { createCharset, UTF_8 } from '../../charset.ts';
import { convert, readText } from './ccsid.ts';

/** MQ's texts: what they say, or why they say nothing. */

const [BIG_ENDIAN, LITTLE_ENDIAN] = [273, 546];
const bytes = (hex: string) => Buffer.from(hex, 'hex');

test.each([
  [1200, BIG_ENDIAN, '0041ac00', 'A가'],
  [1200, LITTLE_ENDIAN, '410000ac', 'A가'],
  [1200, BIG_ENDIAN, 'feff0041', 'A'],
  // It says U+FFFD itself.
  [1200, BIG_ENDIAN, '0041fffd', 'A\uFFFD'],
  [1202, BIG_ENDIAN, '410000ac', 'A가'],
  [1208, BIG_ENDIAN, '41eab080', 'A가'],
  [970, BIG_ENDIAN, '41b0a1', 'A가'],
  [1392, BIG_ENDIAN, '418431a437', 'A\uFFFD'],
])('CCSID %i, encoding %i: %s says %j', (ccsid, encoding, hex, text) => {
  expect(readText(bytes(hex), ccsid, encoding)).toEqual({ text });
});

test.each([
  ['half of a pair alone', 1200, '0041d8000042'],
  ['a byte too many', 1200, '004100'],
  ['the other order of bytes', 1200, 'fffe4100'],
  ['half a character', 949, '41b0'],
  ['what is no ASCII', 367, '41b0'],
  ['what is no UTF-8', 1208, '41ff'],
])('bytes are no text for %s, and nothing stands in for it', (_, ccsid, hex) => {
  expect(readText(bytes(hex), ccsid, BIG_ENDIAN)).toEqual({
    error: `is not the text in CCSID ${ccsid} that it says it is`,
  });
});

describe('text for a decoder', () => {
  test("is in its encoding; UTF-8 is the decoder's to judge", () => {
    expect(convert(bytes('0041ac00'), 1200, BIG_ENDIAN, UTF_8)).toEqual({ bytes: Buffer.from('A가') });
    expect(convert(bytes('41ff'), 1208, BIG_ENDIAN, UTF_8)).toEqual({ bytes: bytes('41ff') });
    expect(convert(Buffer.from('A가'), 1208, BIG_ENDIAN, createCharset('cp949'))).toEqual({
      bytes: bytes('41b0a1'),
    });
  });

  test('is told of when its encoding cannot write it, unless bad bytes are to be replaced', () => {
    const text = Buffer.from('A\u{1F600}');
    expect(convert(text, 1208, BIG_ENDIAN, createCharset('cp949'))).toEqual({
      error: 'holds characters that are not in cp949, the encoding of the input',
    });
    expect(convert(text, 1208, BIG_ENDIAN, createCharset('cp949', 'replace'))).toHaveProperty('bytes');
    expect(convert(bytes('41ff'), 1208, BIG_ENDIAN, createCharset('cp949'))).toEqual({
      error: 'is not the text in CCSID 1208 that it says it is',
    });
  });
});
