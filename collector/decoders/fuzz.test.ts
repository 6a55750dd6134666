import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import * as v from 'valibot';
import { describe, expect, test } from 'vitest';
import { createCharset } from '../charset.ts';
import { createDecoder, decoders, decoderSchema } from './registry.ts';
import type { Decoder } from './decoder.ts';

/** What every decoder owes: whatever the bytes are, fields or an error in words, the same every time, and nothing thrown. */

const CONFIGS: [Record<string, unknown> & { type: keyof typeof decoders }, string[]][] = [
  [
    { type: 'json' },
    ['{', '}', '[', ']', '"a"', ':', ',', '1', '1e999', '12345678901234567890', '\\', '"', 'null'],
  ],
  [{ type: 'ndjson' }, ['{"a":1}', '\n', '{}', '[{}]', '1']],
  [{ type: 'delimited' }, ['a', ',', '"', '""', ' ', '\n', '\r', '가']],
  [{ type: 'delimited', delimiter: '||', columns: ['a', 'b'], header: true }, ['|', '||', '"', 'x']],
  [
    {
      type: 'fixed-length',
      short: 'pad',
      long: 'ignore',
      fields: [
        { name: 'n', bytes: 1 },
        { name: 'k', bytes: 2, encoding: 'cp949' },
        {
          name: 'g',
          times: 'n',
          fields: [
            { name: 'x', bytes: 2 },
            { name: 'h', times: 'n', fields: [{ bytes: 1 }] },
          ],
        },
      ],
    },
    ['1', '2', '9', ' ', 'a', '가', '\0'],
  ],
  [{ type: 'key-value' }, ['a', '=', ' ', '"', '\\', '\\"', '\t', '__proto__']],
  [
    { type: 'key-value', pair_separator: ';', key_separator: ': ', bare: 'flag' },
    ['a', ': ', ':', ';', '"', ' '],
  ],
  [{ type: 'regex', patterns: ['^%{INT:a}(?<b>x*)*$', '(?s)(?<c>a+)+b'] }, ['1', 'x', 'a', 'b', '\n', '-']],
  [
    { type: 'syslog' },
    [
      '<13>',
      '1 ',
      '- ',
      '[a ',
      'b="',
      '"',
      ']',
      '\\',
      'Jan 31 18:15:00 ',
      'h ',
      'x[1]: ',
      '2026-01-31T18:15:00Z ',
    ],
  ],
  [
    { type: 'xml', lists: ['b'], records: ['b'] },
    [
      '<a>',
      '</a>',
      '<b c="1">',
      '</b>',
      '<b/>',
      '&amp;',
      '&',
      '<!--',
      '-->',
      '<![CDATA[',
      ']]>',
      '<?',
      '?>',
      '<!DOCTYPE a>',
    ],
  ],
  [
    { type: 'ibm-ace' },
    [
      '<e:event>',
      '</e:event>',
      '<e:eventPointData>',
      '</e:eventPointData>',
      '<eventData eventSourceAddress="a.transaction.Start"/>',
      '<bitstreamData><bitstream encoding="base64Binary">',
      'TUQgIAIAAAA=',
      '</bitstream></bitstreamData>',
      '<applicationData><simpleContent name="a" value="b"/></applicationData>',
    ],
  ],
  [{ type: 'text' }, ['a', '\0', '가']],
];
const ENCODINGS = ['utf-8', 'utf-16le', 'utf-16be', 'cp949', 'shift_jis', 'latin1', 'gb18030'];

const record = (bytes: Buffer, more: object = {}) => ({ bytes, event_id: 'e', meta: {}, ...more });

/** Fields or an error, told twice alike. Fields are checked down to their last value, since the mapping goes there. */
function expectAnswer(decoder: Decoder, bytes: Buffer, more: object = {}): void {
  const before = Buffer.from(bytes);
  const answer = decoder.decode(record(bytes, more));
  if ('error' in answer) expect(answer.error.length).toBeGreaterThan(5);
  else for (const fields of answer.fields) expect(() => JSON.stringify(fields)).not.toThrow();
  expect(decoder.decode(record(bytes, more))).toEqual(answer);
  expect(bytes.equals(before)).toBe(true);
}

test('every decoder is among them', () => {
  expect(new Set(CONFIGS.map(([{ type }]) => type))).toEqual(new Set(Object.keys(decoders)));
});

describe.each(CONFIGS)('%j', (config, pieces) => {
  const checked = v.parse(decoderSchema, config);

  test('answers whatever the bytes are', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...ENCODINGS),
        fc.constantFrom('dead-letter' as const, 'replace' as const),
        fc.uint8Array({ maxLength: 80 }),
        fc.uint8Array({ maxLength: 20 }),
        fc.boolean(),
        (encoding, onBadBytes, bytes, header, first) => {
          const decoder = createDecoder(checked, createCharset(encoding, onBadBytes));
          expectAnswer(decoder, Buffer.from(bytes), { header: Buffer.from(header), first });
        },
      ),
      { numRuns: 400 },
    );
  });

  test('answers whatever is made of its own pieces', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...ENCODINGS),
        fc.array(fc.constantFrom(...pieces), { maxLength: 30 }),
        fc.array(fc.constantFrom(...pieces), { maxLength: 6 }),
        (encoding, parts, headerParts) => {
          const charset = createCharset(encoding);
          const header = charset.encode(headerParts.join(''));
          expectAnswer(createDecoder(checked, charset), charset.encode(parts.join('')), { header });
        },
      ),
      { numRuns: 600 },
    );
  });

  test('answers records of ten megabytes', () => {
    const decoder = createDecoder(checked);
    const long = Buffer.alloc(10 * 1024 * 1024, 'x');
    expectAnswer(decoder, long, { header: Buffer.from('a,b') });
    const made = Buffer.alloc(2 * 1024 * 1024, pieces.join(''));
    expectAnswer(decoder, made, { header: Buffer.from('a,b') });
  });
});

describe('JSON', () => {
  const dir = fileURLToPath(new URL('../../../shared/data/json-torture/test_parsing/', import.meta.url));

  test('of the whole suite is answered in every encoding, and what must not be accepted is not', () => {
    for (const name of readdirSync(dir)) {
      const bytes = readFileSync(join(dir, name));
      for (const encoding of ENCODINGS)
        expectAnswer(createDecoder({ type: 'json' }, createCharset(encoding)), bytes);
      const answer = createDecoder({ type: 'json' }).decode(record(bytes));
      if (name.startsWith('n_')) expect([name, 'error' in answer]).toEqual([name, true]);
    }
  });

  test('of ten megabytes is read', () => {
    const text = 'x'.repeat(10 * 1024 * 1024);
    const bytes = Buffer.from(`{"text":"${text}","n":1180591620717411303424}`);
    expect(createDecoder({ type: 'json' }).decode(record(bytes))).toEqual({
      fields: [{ text, n: '1180591620717411303424' }],
    });
  });
});
