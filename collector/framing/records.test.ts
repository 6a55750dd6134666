import { readFileSync } from 'node:fs';
import * as v from 'valibot';
import { describe, expect, test } from 'vitest';
import { createCharset } from '../charset.ts';
import { createDecoder, decoderSchema } from '../decoders/registry.ts';
import type { Fields } from '../outcome.ts';
import { createFraming, framingSchema } from './registry.ts';

/** What each framing makes of sources that matter to it. Every last record is flushed, as a file at rest is. */

function records(
  config: Record<string, unknown>,
  source: string | Buffer | readonly string[],
  { encoding = 'utf-8', recordBytesMax = 100_000 } = {},
) {
  const charset = createCharset(encoding);
  const framer = createFraming(v.parse(framingSchema, config), { charset, recordBytesMax }).open(0);
  const found: (string | { problem: string; text: string })[] = [];
  const emit: Parameters<typeof framer.push>[1] = ({ bytes, problem }) => {
    const text = charset.show(bytes);
    found.push(problem === undefined ? text : { problem, text });
  };
  const chunks = typeof source === 'string' || Buffer.isBuffer(source) ? [source] : source;
  for (const chunk of chunks) framer.push(typeof chunk === 'string' ? charset.encode(chunk) : chunk, emit);
  framer.flush(emit);
  return found;
}

const problems = (config: unknown) =>
  v.safeParse(framingSchema, config).issues?.map((issue) => `${v.getDotPath(issue) ?? ''} ${issue.message}`);

describe('lines', () => {
  test.each(['utf-16le', 'utf-16be'])(
    'of %s end at its newlines, and its byte order mark is dropped',
    (encoding) => {
      // Both bytes of a newline stand in these characters too: U+0A0D, U+0D0A, U+000A.
      const source = '\uFEFF가\u0A0D나\r\n\n다\u0D0A\n라\u{1F600}';
      expect(records({ type: 'newline' }, source, { encoding })).toEqual([
        '가\u0A0D나',
        '다\u0D0A',
        '라\u{1F600}',
      ]);
    },
  );

  test('of CP949 and Shift_JIS are not cut within characters', () => {
    for (const [encoding, text] of [
      ['cp949', '똠방각하'],
      ['shift_jis', 'ソ表能'],
    ] as const) {
      expect(records({ type: 'newline' }, `${text}\n${text}`, { encoding })).toEqual([text, text]);
    }
  });

  test('with strict CRLF keep a lone newline and a lone carriage return', () => {
    expect(records({ type: 'crlf' }, 'a\nb\r\n\r\nc\rd\r\ne')).toEqual(['a\nb', 'c\rd', 'e']);
  });
});

test.each([{ type: 'crlf' }, { type: 'csv' }, { type: 'multi-line', start: '^a' }, { type: 'xml' }])(
  'a byte order mark is no part of the first record of %j, and of others it is',
  (config) => {
    const record = config.type === 'xml' ? '<a/>' : 'a\r\n';
    const found = records(config, `\uFEFF${record}${record}`);
    expect(found).toEqual([record.trim(), record.trim()]);
    expect(records(config, `${record}\uFEFF${record}`)).not.toEqual(found);
  },
);

describe('multi-line', () => {
  const dir = new URL('../../../shared/data/multiline/', import.meta.url);
  const read = (name: string) => readFileSync(new URL(`fluentbit__${name}`, dir), 'utf8');

  test.each([
    ['java', { continuation: String.raw`^\s+(at |\.\.\. \d+ more)|^Caused by: ` }],
    ['python', { continuation: String.raw`^\s|^\w*(Error|Exception): ` }],
    ['go', { start: '^(panic: |one more line)' }],
    ['go', { continuation: String.raw`^\s|^$|^(goroutine |created by )|^[\w./*()]+\(.*\)$` }],
  ])('%s stack traces are one record each, by %j', (name, patterns) => {
    const { expected } = JSON.parse(read(`${name}.expected.json`)) as { expected: string[] };
    const answers = expected.map((text) => text.replace(/\n$/, ''));
    expect(records({ type: 'multi-line', ...patterns }, read(`${name}.input.log`))).toEqual(
      // Empty lines at a record's end are none of it.
      answers.map((text) => text.trimEnd()),
    );
  });

  test('lines before the first start are records of their own, and empty lines stay within a record only', () => {
    const source = 'x\r\n\r\n y\n\n[1] a\r\n\r\n  at b\n\n[2] c\n\n\n';
    expect(records({ type: 'multi-line', start: String.raw`^\[` }, source)).toEqual([
      'x',
      ' y',
      '[1] a\r\n\r\n  at b',
      '[2] c',
    ]);
  });

  test('a last line without its end is its own record if it begins one', () => {
    expect(records({ type: 'multi-line', start: '^b' }, 'b1\n at\nb2')).toEqual(['b1\n at', 'b2']);
    expect(records({ type: 'multi-line', start: '^b' }, 'b1\n at\n at')).toEqual(['b1\n at\n at']);
  });

  test('a pattern that would take other engines for ever does no harm', () => {
    const source = `${'a'.repeat(16_000)}!\n`.repeat(3);
    expect(records({ type: 'multi-line', start: '^(a+)+$' }, source)).toHaveLength(3);
  });

  test('patterns that are none are refused with words', () => {
    expect(problems({ type: 'multi-line', start: '(' })).toEqual([
      'start is not a pattern: error parsing regexp: missing closing ): `(`',
    ]);
    expect(problems({ type: 'multi-line', start: '(?<=a)b' })?.[0]).toMatch(/^start is not a pattern: /);
    expect(problems({ type: 'multi-line' })).toEqual([
      ' must have exactly one of `start` and `continuation`',
    ]);
  });
});

describe('rows of CSV', () => {
  const dir = new URL('../../../shared/data/csv-torture/csv-spectrum/', import.meta.url);

  test.each([
    'comma_in_quotes',
    'empty',
    'empty_crlf',
    'escaped_quotes',
    'json',
    'location_coordinates',
    'newlines',
    'newlines_crlf',
    'quotes_and_newlines',
    'simple',
    'simple_crlf',
    'utf8',
  ])('of csv-spectrum: %s', (name) => {
    const decoder = createDecoder(v.parse(decoderSchema, { type: 'delimited' }));
    const source = readFileSync(new URL(`csvs/${name}.csv`, dir));
    const [header = '', ...rows] = records({ type: 'csv' }, source) as string[];
    const decoded = rows.flatMap((row) => {
      const answer = decoder.decode({
        bytes: Buffer.from(row),
        event_id: 'e',
        meta: {},
        header: Buffer.from(header),
      });
      return 'fields' in answer ? answer.fields.map((fields): Fields => ({ ...fields })) : [answer];
    });
    const expected = [JSON.parse(readFileSync(new URL(`json/${name}.json`, dir), 'utf8')) as unknown].flat();
    // Upstream changed this number in the answer only.
    if (name === 'location_coordinates') {
      (expected[0] as Record<string, string>)['Contact Phone Number'] = '2095257564';
    }
    expect(decoded).toEqual(expected);
  });

  test('quotes within a field that has none at its beginning are letters', () => {
    expect(records({ type: 'csv' }, `5" disk,1\n"a\nb" ,2\n`)).toEqual(['5" disk,1', '"a\nb" ,2']);
  });

  test.each([
    ['shift_jis', '|', 'ポ'],
    ['gbk', '|', '瓅'],
    ['big5', '|', '育'],
    ['cp949', 'a', '갵'],
  ])(
    'a character of %s that ends in the byte of the delimiter %s is none: %s',
    (encoding, delimiter, text) => {
      const rows = [`1${delimiter}${text}"A${delimiter}x`, `2${delimiter}"${text}\n${text}"`, '3'];
      expect(records({ type: 'csv', delimiter }, rows.join('\n'), { encoding })).toEqual(rows);
      const bytes = createCharset(encoding).encode(text);
      expect([...bytes.subarray(1)]).toEqual([...Buffer.from(delimiter)]);
    },
  );
});

describe('records of a fixed length', () => {
  test('may hold newlines, and end with one that is checked', () => {
    expect(records({ type: 'fixed-length', bytes: 3 }, 'a\nbcde')).toEqual(['a\nb', 'cde']);
    expect(records({ type: 'fixed-length', bytes: 3, line_end: 'newline' }, 'a\nb\ncdeXfgh\nij')).toEqual([
      'a\nb',
      { problem: 'has no line end behind its 3 bytes', text: 'cdeX' },
      'fgh',
      { problem: 'ends after 2 of 4 bytes', text: 'ij' },
    ]);
    expect(records({ type: 'fixed-length', bytes: 3, line_end: 'crlf' }, 'abc\r\ndef')).toEqual([
      'abc',
      'def',
    ]);
  });
});

describe('records with their length before them', () => {
  test.each([
    [{ prefix: 'uint16be' }, '\0\u0002ab\0\0\0\u0001c'],
    [{ prefix: 'uint16le' }, '\u0002\0ab\u0001\0c'],
    [{ prefix: 'uint32be', inclusive: true }, '\0\0\0\u0006ab\0\0\0\u0005c'],
    [{ prefix: 'uint32le' }, '\u0002\0\0\0ab\u0001\0\0\0c'],
    [{ prefix: 'digits', digits: 4 }, '0002ab   1c'],
    [{ prefix: 'digits', digits: 2, inclusive: true }, '04ab03c'],
  ])('%j', (config, source) => {
    expect(records({ type: 'length-prefixed', ...config }, source)).toEqual(['ab', 'c']);
  });

  test('where there is none, what is up to the next length is kept', () => {
    expect(records({ type: 'length-prefixed', prefix: 'digits', digits: 2 }, '01ajunk02bc09d')).toEqual([
      'a',
      { problem: 'has no length before it', text: 'junk' },
      'bc',
      { problem: 'ends before the length that it says', text: '09d' },
    ]);
  });

  test('their config is checked', () => {
    expect(problems({ type: 'length-prefixed', prefix: 'digits' })).toEqual([
      ' needs `digits` if its `prefix` is digits, and has none otherwise',
    ]);
  });
});

describe('XML', () => {
  const event = '<w:e xmlns:w="u"><a b="</w:e>"/><!-- </w:e> --><![CDATA[</w:e>]]></w:e>';

  test('documents end with their roots, whatever stands in them and between them', () => {
    const source = `<?xml version="1.0"?>\n<!DOCTYPE x [<!ENTITY e "]>">]>\n${event}\n\n${event}<x/><x  />`;
    expect(records({ type: 'xml' }, source)).toEqual([
      source.slice(0, source.indexOf('\n\n')),
      event,
      '<x/>',
      '<x  />',
    ]);
  });

  test('elements of a name are found in what is around them', () => {
    const source = `<?xml version="1.0"?><es><!-- <w:e> -->${event}<w:ee/>${event}</es>`;
    const config = { type: 'xml', root: 'w:e' };
    expect(records({ ...config, outside: 'skip' }, source)).toEqual([event, event]);
    expect(records(config, `<?xml version="1.0"?>\n${event} x ${event}`)).toEqual([
      event,
      { problem: 'stands outside of any XML document', text: 'x ' },
      event,
    ]);
  });

  test.each(['<![CDATA[<e>1</e>]]>', '<!--<e>1</e>-->', '<?p <e>1</e>?>'])(
    'markup in %s is no element, wherever it stands and a chunk ends',
    (text) => {
      const source = `<log><entry>${text}</entry>a${text}<e>2</e></log>`;
      const config = { type: 'xml', root: 'e', outside: 'skip' };
      for (let cut = 0; cut < source.length; cut += 1)
        expect(records(config, [source.slice(0, cut), source.slice(cut)])).toEqual(['<e>2</e>']);
    },
  );

  test('CDATA outside of elements is text, and kept as such; comments and processing instructions are none', () => {
    const problem = 'stands outside of any XML document';
    const config = { type: 'xml', root: 'e' };
    expect(records(config, '<e/><![CDATA[<e/>]]>a<!--b--><?c?><e/>')).toEqual([
      '<e/>',
      { problem, text: '<![CDATA[<e/>]]>a' },
      '<e/>',
    ]);
  });

  test('an element behind more text than is held of a record is found wherever a chunk ends', () => {
    const found = records({ type: 'xml', root: 'e' }, ['x'.repeat(200), '<', 'e/>'], { recordBytesMax: 100 });
    expect(found).toEqual([{ problem: 'stands outside of any XML document', text: 'x'.repeat(100) }, '<e/>']);
  });

  test('what is not closed ends where the next begins', () => {
    const problem = 'is XML that is not closed';
    expect(records({ type: 'xml', root: 'e' }, '<e><a>1</e><e>2</e>')).toEqual([
      { problem, text: '<e><a>1</e>' },
      '<e>2</e>',
    ]);
    expect(records({ type: 'xml' }, '<?xml v?><e a="1><x/><?xml v?><e>2</e>')).toEqual([
      { problem, text: '<?xml v?><e a="1><x/>' },
      '<?xml v?><e>2</e>',
    ]);
    expect(records({ type: 'xml' }, '<a>')).toEqual([{ problem, text: '<a>' }]);
  });
});
