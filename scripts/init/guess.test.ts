import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import iconv from 'iconv-lite';
import { guessEncoding } from './encoding.ts';
import { guessInput } from './guess.ts';
import { guessStatusValues } from './status-values.ts';
import { guessTime } from './time.ts';

const lines = (...all: string[]) => Buffer.from(`${all.join('\n')}\n`);
const decoderOf = (bytes: Buffer) => guessInput(bytes).shape.decoder;

describe('an encoding', () => {
  const korean = '주문 A-1001 접수\n';
  test.each([
    ['utf-8', iconv.encode(korean, 'utf-8')],
    ['utf-8', iconv.encode(korean, 'utf-8', { addBOM: true })],
    ['utf-16le', iconv.encode(korean, 'utf-16le', { addBOM: true })],
    ['utf-16be', iconv.encode(korean, 'utf-16be', { addBOM: true })],
    ['utf-16le', iconv.encode('order A-1001\n', 'utf-16le')],
    ['utf-16be', iconv.encode('order A-1001\n', 'utf-16be')],
    ['cp949', iconv.encode(korean, 'euc-kr')],
    // Syllables that EUC-KR proper has not.
    ['cp949', iconv.encode('똠방각하 펲시콜라\n', 'cp949')],
    ['shift_jis', iconv.encode('注文を受け付けました\n', 'shift_jis')],
    ['latin1', iconv.encode('Müller, café, señor\n', 'latin1')],
    ['utf-8', Buffer.from('plain\n')],
  ])('%s is told from its bytes', (encoding, bytes) => {
    expect(guessEncoding(bytes).encoding).toBe(encoding);
  });
});

describe('times', () => {
  test.each([
    ['rfc3339', '2026-01-31T18:15:00.123+09:00', true],
    ['yyyy-MM-dd HH:mm:ss.SSS', '2026-01-31 18:15:00.123', false],
    ['yyyy-MM-dd HH:mm:ss,SSS', '2026-01-31 18:15:00,123', false],
    ['yyyy-MM-dd HH:mm:ss', '2026-01-31 18:15:00', false],
    ["yyyy-MM-dd'T'HH:mm:ss.SSSSSS", '2026-01-31T18:15:00.123456', false],
    ['yyyyMMddHHmmssSSS', '20260131181500123', false],
    ['yyyyMMddHHmmss', '20260131181500', false],
    ['dd MMM yyyy HH:mm:ss', '31 Jan 2026 18:15:00', false],
    ['dd/MMM/yyyy:HH:mm:ss XXX', '31/Jan/2026:18:15:00 +0900', true],
    ['MMM d HH:mm:ss', 'Jan  1 18:15:00', false],
    ['MM/dd/yyyy HH:mm:ss', '01/31/2026 18:15:00', false],
    ['dd/MM/yyyy HH:mm:ss', '31/01/2026 18:15:00', false],
    ['epoch_ms', '1769850900123', true],
    ['epoch_s', '1769850900', true],
  ])('are read by %s', (pattern, text, hasZone) => {
    expect(guessTime([text])).toEqual({ patterns: [pattern], hasZone });
  });

  test('with fractions of several lengths have several patterns', () => {
    expect(guessTime(['2026-01-31 18:15:00', '2026-01-31 18:15:00.1'])?.patterns).toEqual([
      'yyyy-MM-dd HH:mm:ss.S',
      'yyyy-MM-dd HH:mm:ss',
    ]);
  });

  test.each(['A-1001', '12345678', '99999999999999', '20261331181500', 'Order Placed', '192.0.2.1'])(
    'are not %s',
    (text) => expect(guessTime([text])).toBeUndefined(),
  );
});

describe('a status', () => {
  test.each([
    [['OK', 'NG'], { OK: 'succeeded', NG: 'failed' }, undefined],
    [['0000', 'E101'], { '0000': 'succeeded' }, 'failed'],
    [['200', '404', '500'], { '200': 'succeeded' }, 'failed'],
    [['INFO', 'ERROR'], { ERROR: 'failed', FATAL: 'failed' }, 'succeeded'],
    [['OK', 'HELD'], { OK: 'succeeded', HELD: 'TODO' }, undefined],
    [['17', '23'], { '17': 'TODO' }, 'failed'],
    [['started', 'succeeded'], {}, undefined],
  ])('of %j is told', (texts, values, other) => {
    const guess = guessStatusValues(texts, texts[0] ?? '');
    expect([guess?.values, guess?.default]).toEqual([values, other]);
  });

  test('is not guessed of words that nobody knows', () => {
    expect(guessStatusValues(['red', 'blue'], 'red')).toBeUndefined();
  });
});

describe('a format', () => {
  test.each([
    ['pipes', lines('a|1|x', 'b|2|y', 'c|3|'), { delimiter: '|' }],
    ['two pipes', lines('a||1||x', 'b||2||y'), { delimiter: '||' }],
    ['pipes with nothing between them', lines('a||1|x', 'b|2||y'), { delimiter: '|' }],
    ['tabs', lines('a\t1', 'b\t2'), { delimiter: '\t' }],
    ['semicolons', lines('a;1;x', 'b;2;y'), { delimiter: ';' }],
    ['commas', lines('id,at', 'A1,2026', 'A2,2027'), {}],
  ])('with %s is delimited', (_name, bytes, settings) => {
    expect(decoderOf(bytes)).toMatchObject({ type: 'delimited', ...settings });
  });

  test('whose first line names the columns has a header, any other has columns', () => {
    expect(decoderOf(lines('txn|amount', 'A-1|10', 'A-2|20'))).not.toHaveProperty('columns');
    expect(decoderOf(lines('A-1|10', 'A-2|20'))).toHaveProperty('columns', ['field_1', 'field_2']);
  });

  test.each([
    [lines('txn=A-1 step=send', 'txn=A-2 step=hub'), { type: 'key-value' }],
    [lines('txn=A 1;step=send', 'txn=A 2;step=hub'), { type: 'key-value', pair_separator: ';' }],
    [
      lines('txn:A1|step:send', 'txn:A2|step:hub'),
      { type: 'key-value', pair_separator: '|', key_separator: ':' },
    ],
    [lines('<134>1 2026-01-31T18:15:00Z h a - - - x', '<131>Jan 31 18:15:02 h a: y'), { type: 'syslog' }],
    [lines('{"a":1}', '{"a":2}'), { type: 'json' }],
    [lines('{', '  "a": 1', '}', '{', '  "a": 2', '}'), { type: 'json' }],
    [lines('<a><b>1</b></a>', '<a><b>2</b></a>'), { type: 'xml' }],
    [lines('<as>', '<a no="1"/>', '<a no="2"/>', '</as>'), { type: 'xml', records: ['a'] }],
    [lines('nothing', 'that is', 'known'), { type: 'text' }],
  ])('is told: %s', (bytes, decoder) => {
    expect(decoderOf(bytes)).toEqual(decoder);
  });

  test('of records without line ends is told by what comes again', () => {
    const records = ['A-1001 20260131181500 OK', 'A-1002 20260131181501 NG', 'A-1003 20260131181502 OK'];
    const { framing, decoder } = guessInput(Buffer.from(records.join(''))).shape;
    expect(framing).toEqual({ type: 'fixed-length', bytes: 24 });
    expect(decoder).toMatchObject({
      fields: [
        { name: 'field_1', bytes: 7 },
        { name: 'time', bytes: 14 },
        { bytes: 1 },
        { name: 'status', bytes: 2 },
      ],
    });
  });
});

test('a sample that was cut off is guessed from its whole lines', () => {
  const line = '{"txn":"A-1001","step":"send","text":"주문"}\n';
  const bytes = Buffer.from(line.repeat(40_000));
  const guess = guessInput(bytes);
  expect(bytes.length).toBeGreaterThan(1024 * 1024);
  expect([guess.encoding.encoding, guess.undecoded]).toEqual(['utf-8', 0]);
});

const cell = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9 ._-]{0,12}$/);
test('rows that were written with a delimiter are read with it', () => {
  const table = fc
    .record({ delimiter: fc.constantFrom('|', '\t', '||', '^|', '~'), width: fc.integer({ min: 2, max: 8 }) })
    .chain(({ delimiter, width }) =>
      fc.record({
        delimiter: fc.constant(delimiter),
        rows: fc.array(fc.array(cell, { minLength: width, maxLength: width }), {
          minLength: 3,
          maxLength: 20,
        }),
      }),
    );
  fc.assert(
    fc.property(table, ({ delimiter, rows }) => {
      const guess = decoderOf(lines(...rows.map((row) => row.join(delimiter))));
      expect(guess).toMatchObject({ type: 'delimited', delimiter });
    }),
    { numRuns: 100 },
  );
});
