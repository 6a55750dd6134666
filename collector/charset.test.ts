import { readFileSync } from 'node:fs';
import * as v from 'valibot';
import { describe, expect, test } from 'vitest';
import { createCharset, encodingSchema } from './charset.ts';

const problem = (name: string) => v.safeParse(encodingSchema, name).issues?.[0]?.message;

describe('encodings', () => {
  test.each(['utf-8', 'UTF8', 'utf-16le', 'utf-16be', 'cp949', 'EUC-KR', 'shift_jis', 'latin1', 'gb18030'])(
    '%s is known',
    (name) => {
      expect(problem(name)).toBeUndefined();
      const charset = createCharset(name);
      expect(charset.decode(charset.encode('a|1\n'))).toBe('a|1\n');
    },
  );

  test('others are refused with words', () => {
    expect(problem('utf-9')).toMatch(/^is not an encoding that is known here/);
    expect(problem('base64')).toMatch(/^is not an encoding/);
    expect(problem('_dbcs')).toMatch(/^is not an encoding/);
    expect(problem('utf-16')).toBe('must say the order of its bytes, like utf-16le or utf-16be');
  });

  test.each([
    ['utf-8', [0x61, 0xff]],
    ['utf-8', [0xed, 0xa0, 0x80]],
    ['utf-8', [0xc0, 0xaf]],
    ['utf-16le', [0x61, 0x00, 0x62]],
    ['utf-16le', [0x61, 0x00, 0x00, 0xd8]],
    ['utf-16be', [0xdc, 0x00, 0x00, 0x61]],
    // The mark of the other order.
    ['utf-16le', [0xfe, 0xff, 0x00, 0x61]],
    ['cp949', [0xb0]],
    ['cp949', [0xb0, 0x20, 0x41]],
    ['shift_jis', [0x81]],
    ['windows-1253', [0xaa]],
  ])('%s: bad bytes %j are no text, or are replaced', (name, bytes) => {
    const bad = Buffer.from(bytes);
    expect(createCharset(name).decode(bad)).toBeUndefined();
    const replaced = createCharset(name, 'replace').decode(bad);
    expect(replaced).toBeTypeOf('string');
    if (bytes[0] !== 0xfe) expect(replaced).toContain('\uFFFD');
  });

  test('text that says U+FFFD itself is text', () => {
    for (const name of ['utf-8', 'utf-16le', 'utf-16be', 'gb18030']) {
      const charset = createCharset(name);
      expect([name, charset.decode(charset.encode('a\uFFFDb'))]).toEqual([name, 'a\uFFFDb']);
    }
  });

  test('only encodings of Unicode have a byte order mark', () => {
    const marks = ['utf-8', 'utf-16le', 'utf-16be', 'cp949'].map((name) =>
      createCharset(name).mark.toString('hex'),
    );
    expect(marks).toEqual(['efbbbf', 'fffe', 'feff', '']);
  });
});

describe('CP949 over its whole table', () => {
  const dir = new URL('../../shared/data/korean/', import.meta.url);
  const lines = (name: string) =>
    readFileSync(new URL(`encoding_rs__euc_kr_${name}.txt`, dir), 'latin1')
      .split('\n')
      .map((line) => Buffer.from(line, 'latin1'));
  const charset = createCharset('cp949');

  test('every pair of bytes that stands for a character reads as it and writes as it was; every other is no text', () => {
    const answers = lines('in_ref');
    let characters = 0;
    for (const [index, bytes] of lines('in').entries()) {
      const answer = answers[index]!.toString();
      if (answer.includes('\uFFFD')) {
        expect([bytes.toString('hex'), charset.decode(bytes)]).toEqual([bytes.toString('hex'), undefined]);
        continue;
      }
      characters += 1;
      expect(charset.decode(bytes)).toBe(answer);
      expect(charset.encode(answer).equals(bytes)).toBe(true);
    }
    // The 17,048 of the table, and five lines around it.
    expect(characters).toBe(17_048 + 5);
  });

  test('every character of the table writes as it should', () => {
    const answers = lines('out_ref');
    for (const [index, text] of lines('out').entries()) {
      expect(charset.encode(text.toString()).equals(answers[index]!)).toBe(true);
    }
  });
});
