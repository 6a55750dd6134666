import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { logToLine } from '../common/log-row.ts';
import { checkTrackingLog, STATUSES, TRACKING_LOG_FIELDS } from '../common/tracking-log.ts';
import { rowFromLine } from '../common/wire-row.ts';
import { textOfEventId } from './outcome.ts';
import { joinLines, textOfRow } from './row-room.ts';
import { createStandardLineReader } from './standard-line.ts';

const stamp = { channel: 'file', input: 'in"put' };
const ingest_time = '2026-01-31T09:15:01.000000Z';
const ingestMillis = Date.parse(ingest_time);
const eventId = { stem: 'a "quoted" id' };
const event_id = textOfEventId(eventId);
const read = createStandardLineReader(stamp, 3);

/** The same by the whole way: the row, or undefined if it is no log. */
function byTheWholeWay(text: string): string | undefined {
  let fields: unknown;
  try {
    fields = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof fields !== 'object' || fields === null || Array.isArray(fields)) return undefined;
  const { log } = checkTrackingLog(fields as Record<string, unknown>, { ...stamp, event_id, ingest_time });
  return log === undefined ? undefined : logToLine(log);
}

/** What the short way says must be what the whole way says; it may always say nothing. Returns whether it said something. */
function agree(text: string): boolean {
  const row = read(Buffer.from(text), eventId, ingestMillis);
  if (row === undefined) return false;
  const whole = byTheWholeWay(text);
  expect(whole).toBeDefined();
  const parsed = rowFromLine('log', textOfRow(row)).row;
  expect(parsed).toEqual(rowFromLine('log', whole!).row);
  expect([row.crc, row.interface_id]).toEqual([
    crc32(parsed!['transaction_id'] as string),
    parsed!['interface_id'] ?? '',
  ]);
  return true;
}

const PLAIN = {
  transaction_id: 'T-1',
  interface_id: '주문',
  step: 'send',
  status: 'succeeded',
  event_time: '2026-01-31T18:15:00.123+09:00',
  duration_ms: 12.5,
  attempt: 2,
  record_count: 0,
  business_keys: { order_no: 'SO-1', 고객: '' },
  error_code: '',
  node: null,
};

test('a plain log goes the short way, with or without spaces, and whatever of it is empty', () => {
  expect(agree(JSON.stringify(PLAIN))).toBe(true);
  expect(agree(JSON.stringify(PLAIN).replaceAll(',"', ' , "').replaceAll(':{', ' : { '))).toBe(true);
  expect(agree(JSON.stringify({ ...PLAIN, event_id: 'its own', attributes: {} }))).toBe(true);
});

test.each([
  ['an escape', JSON.stringify({ ...PLAIN, node: 'a\nb' })],
  ['a field of the collector', JSON.stringify({ ...PLAIN, input: 'mine' })],
  ['a field twice', JSON.stringify(PLAIN).replace('"node"', '"step":"hub","node"')],
  ['a key twice', JSON.stringify(PLAIN).replace('"order_no"', '"order_no":"SO-0","order_no"')],
  ['a number for a key', JSON.stringify({ ...PLAIN, business_keys: { n: 1 } })],
  ['a list for a map', JSON.stringify({ ...PLAIN, business_keys: ['SO-1'] })],
  ['an empty list for a map', JSON.stringify({ ...PLAIN, attributes: [] })],
  ['a reserved key', JSON.stringify(PLAIN).replace('"order_no"', '"__proto__"')],
  ['an exponent', JSON.stringify(PLAIN).replace('12.5', '1e3')],
  ['a number of many digits', JSON.stringify(PLAIN).replace('12.5', '12345678901234567890')],
  ['a leading zero', JSON.stringify(PLAIN).replace('12.5', '012')],
  ['a negative count', JSON.stringify({ ...PLAIN, record_count: -1 })],
  ['no transaction', JSON.stringify({ ...PLAIN, transaction_id: '' })],
  ['a time that is none', JSON.stringify({ ...PLAIN, event_time: 'yesterday' })],
  ['a time that was never set', JSON.stringify({ ...PLAIN, event_time: '0001-01-01T00:00:00Z' })],
  ['a status of its own', JSON.stringify({ ...PLAIN, status: 'done' })],
  ['an unknown field', JSON.stringify({ ...PLAIN, more: 1 })],
  ['a long name', JSON.stringify({ ...PLAIN, node: 'x'.repeat(300) })],
  ['a comma at the end', JSON.stringify(PLAIN).replace(/\}$/, ',}')],
  ['more behind it', `${JSON.stringify(PLAIN)}x`],
  ['no end', JSON.stringify(PLAIN).slice(0, -1)],
  ['an array', `[${JSON.stringify(PLAIN)}]`],
  ['nothing', ''],
])('of %s the short way says nothing', (_, text) => {
  expect(agree(text)).toBe(false);
});

test('bytes that are no UTF-8 are none of its business, wherever they stand', () => {
  const bytes = Buffer.from(JSON.stringify(PLAIN));
  for (const at of [bytes.indexOf('T-1'), bytes.indexOf('SO-1'), bytes.indexOf('주문') + 1]) {
    const damaged = Buffer.from(bytes);
    damaged[at] = 0xff;
    expect(read(damaged, eventId, ingestMillis)).toBeUndefined();
  }
});

test.each(['00Z', '00.5Z', '00.123Z', '00.123456Z', '00.123456789Z', '00.5+00:00', '60Z'])(
  'a time that ends with %s is written as the whole way writes it',
  (seconds) => {
    expect(agree(JSON.stringify({ ...PLAIN, event_time: `2026-01-31T09:15:${seconds}` }))).toBe(true);
  },
);

test('an event id is written as its text is, by a stem and a number', () => {
  const ids = fc.record({ stem: fc.string({ unit: 'grapheme' }), number: fc.maxSafeNat() });
  fc.assert(
    fc.property(ids, (id) => {
      const row = read(Buffer.from(JSON.stringify(PLAIN)), id, ingestMillis)!;
      expect(rowFromLine('log', textOfRow(row)).row!['event_id']).toBe(textOfEventId(id));
    }),
  );
});

test('bounds count bytes, and what just fits is taken', () => {
  expect(agree(JSON.stringify({ ...PLAIN, node: '가'.repeat(85), payload: 'x'.repeat(100_000) }))).toBe(true);
  expect(agree(JSON.stringify({ ...PLAIN, node: '가'.repeat(86) }))).toBe(false);
  expect(agree(JSON.stringify({ ...PLAIN, error_message: 'x'.repeat(8193) }))).toBe(false);
});

test('what was read stays as it is while more is read, though it came in memory that is used again', () => {
  const chunk = Buffer.alloc(1000);
  const rows = Array.from({ length: 300 }, (_, i) => {
    const length = chunk.write(
      JSON.stringify({ ...PLAIN, transaction_id: `T-${i}`, interface_id: `i${i % 3}` }),
    );
    // Fast and slow.
    return read(chunk.subarray(0, length), eventId, ingestMillis + (i < 100 ? 0 : i * 100))!;
  });
  chunk.fill(0);
  expect(rows.map(({ interface_id }) => interface_id)).toEqual(rows.map((_, i) => `i${i % 3}`));
  expect(rows.map((row) => rowFromLine('log', textOfRow(row)).row!['transaction_id'])).toEqual(
    rows.map((_, i) => `T-${i}`),
  );
  const texts = rows.map(textOfRow);
  for (const rest of [0, 1, 2]) {
    const of = (items: unknown[]) => items.filter((_, i) => rows[i]!.crc % 3 === rest) as string[];
    expect(joinLines(of(rows)).toString()).toBe(`${of(texts).join('\n')}\n`);
  }
  expect(joinLines(rows).toString()).toBe(`${texts.join('\n')}\n`);
  const mixed = rows.map((row, i) => (i % 5 < 2 ? row : texts[i]!));
  expect(joinLines(mixed).toString()).toBe(`${texts.join('\n')}\n`);
});

const value = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.constantFrom(
    '',
    'send',
    ...STATUSES,
    '2026-01-31T09:15:00Z',
    '2026-02-30T09:15:00Z',
    '2026-01-31T18:15:00.1+09:00',
  ),
  fc.integer({ min: -5 }),
  fc.double(),
  fc.constant(null),
  fc.boolean(),
  fc.array(fc.string(), { maxLength: 2 }),
  fc.dictionary(
    fc.oneof(fc.string(), fc.constantFrom('__proto__', 'a', 'constructor')),
    fc.oneof(fc.string(), fc.integer()),
  ),
);

test('both ways give the same for any values of any fields, however the text is written', () => {
  const fields = fc.uniqueArray(fc.tuple(fc.constantFrom(...TRACKING_LOG_FIELDS), value), {
    selector: ([name]) => name,
  });
  const plain = fc.constantFrom({}, PLAIN, PLAIN, PLAIN);
  let taken = 0;
  fc.assert(
    fc.property(fields, plain, fc.constantFrom(undefined, 1, '\t'), (given, base, space) => {
      if (agree(JSON.stringify({ ...base, ...Object.fromEntries(given) }, undefined, space))) taken += 1;
    }),
    { numRuns: 2000 },
  );
  expect(taken).toBeGreaterThan(20);
});

test('both ways give the same for texts that were damaged in one place', () => {
  const text = JSON.stringify({ ...PLAIN, attributes: { a: 'b' }, payload: 'x' });
  fc.assert(
    fc.property(
      fc.nat(text.length),
      fc.nat(3),
      fc.constantFrom('', '"', ',', ':', '{', '}', '1', '0', '.', ' ', 'null', '\\', '\u0000'),
      (at, cut, put) => {
        agree(`${text.slice(0, at)}${put}${text.slice(at + cut)}`);
      },
    ),
    { numRuns: 3000 },
  );
});
