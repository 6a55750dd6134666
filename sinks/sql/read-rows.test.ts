import { describe, expect, test } from 'vitest';
import { summaryToLine } from '../../common/summary-row.ts';
import { aDeadLetter, aLog, aSummary, batchOf, lineOf } from '../testing/rows.ts';
import { newestOf } from './newest.ts';
import { readRows } from './read-rows.ts';
import { placeOf, TABLES } from './tables.ts';

const logs = (...rows: (object | string)[]) => readRows(batchOf('log', 'token', rows), TABLES.log, false);
const summaries = (...rows: (object | string)[]) =>
  readRows(batchOf('summary', 'token', rows), TABLES.summary, false);

describe('what is refused, and why:', () => {
  const log = aLog(1);
  test.each([
    ['no JSON', '["T1",', 'the row is not JSON'],
    ['no array', '{}', 'the row is not a JSON array'],
    [
      'more than there are columns',
      { ...log, colour: 'red' },
      'the row is not a JSON array of at most 26 values',
    ],
    ['a number where a text belongs', { ...log, node: 5 }, 'node must be a text'],
    ['no id', { ...log, transaction_id: '' }, 'transaction_id is missing'],
    ['no time', { ...log, event_time: undefined }, 'event_time is missing'],
    [
      'a time that stores would read in their own way',
      { ...log, event_time: 'infinity' },
      'event_time must be a time',
    ],
    ['a time without a zone', { ...log, event_time: '2026-01-31 09:15:00' }, 'event_time must be a time'],
    [
      'a number that was rounded when it was read',
      lineOf('log', { ...log, message_size: 1234 }).replace('1234', '9007199254740993'),
      'message_size must be a whole number',
    ],
    ['a fraction of a record', { ...log, record_count: 1.5 }, 'record_count must be a whole number'],
    [
      'a number that is too large for any',
      lineOf('log', { ...log, duration_ms: 1234 }).replace('1234', '1e999'),
      'duration_ms must be a number',
    ],
    ['a map of numbers', { ...log, attributes: { a: 1 } }, 'attributes.a must be a text'],
    ['half a surrogate pair', { ...log, payload: '\ud83d' }, 'payload holds half a surrogate pair'],
    [
      'U+0000 in a text',
      { ...log, payload: 'a\u0000' },
      'payload holds U+0000, which the store cannot keep in a text',
    ],
    [
      'U+0000 in a map',
      { ...log, attributes: { a: '\u0000' } },
      'attributes.a holds U+0000, which the store cannot keep in a text',
    ],
    [
      'U+0000 in a key',
      { ...log, attributes: { '\u0000': 'a' } },
      'attributes has a key that holds U+0000, which the store cannot keep in a text',
    ],
  ])('%s', (_, row, reason) => {
    const { rows, refused } = logs(log, row, log);
    expect(rows.map(({ index }) => index)).toEqual([0, 2]);
    expect(refused).toEqual([{ index: 1, reason: expect.stringContaining(reason) as string }]);
  });

  test.each([
    ['steps that are no list', { steps: 'send' }, 'steps must be a list'],
    [
      'a step that is none',
      { steps: ['send'] },
      'the row is not a JSON array of at most 26 values, with steps',
    ],
    [
      'a step of more than there are columns',
      { steps: [{ ...aSummary(1).steps[0], colour: 'red' }] },
      'with steps of at most 12',
    ],
    [
      'a step whose time is none',
      { steps: [{ step: 'send', started_at: 'yesterday' }] },
      'steps[0].started_at must be a time',
    ],
  ])('%s', (_, change, reason) => {
    const { rows, refused } = summaries({ ...aSummary(1), ...change });
    expect(rows).toEqual([]);
    expect(refused).toEqual([{ index: 0, reason: expect.stringContaining(reason) as string }]);
  });
});

test('U+0000 is kept where the store can', () => {
  const batch = batchOf('log', 'token', [aLog(1, { payload: 'a\u0000' })]);
  const { rows, refused } = readRows(batch, TABLES.log, true);
  expect([rows[0]?.values[placeOf(TABLES.log, 'payload')], refused]).toEqual(['a\u0000', []]);
});

test.each(['colour', 'constructor'])('a field of a newer version is refused, and counted: %s', (field) => {
  const newer = (i: number) => ({ ...aDeadLetter(i), [field]: 'red' });
  // Many of them are no matter of rows.
  const batch = batchOf('dead_letter', 'token', [newer(1), 'no row', newer(2)]);
  const { refused, unknownFields } = readRows(batch, TABLES.dead_letter, false);
  const reason = `the table dead_letter has no column for the field "${field}"`;
  expect([refused[0], unknownFields]).toEqual([{ index: 0, reason }, 2]);
});

test('a summary that leaves out what is empty is the whole one', () => {
  const summary = aSummary(1);
  expect(summaries(summaryToLine(summary)).rows[0]?.values).toEqual(summaries(summary).rows[0]?.values);
});

test('a dead letter is never refused for its words', () => {
  const batch = batchOf('dead_letter', 'token', [
    { ...aDeadLetter(1), reason: 'a\u0000b\ud83d', meta: { n: 5, t: '\u0000', '\u0000': 'k' } },
    { ...aDeadLetter(2), reason: 7, meta: ['a'] },
  ]);
  const { rows, refused } = readRows(batch, TABLES.dead_letter, false);
  const said = rows.map(({ values }) =>
    ['reason', 'meta'].map((name) => values[placeOf(TABLES.dead_letter, name)]),
  );
  expect(refused).toEqual([]);
  expect(said).toEqual([
    ['a\u2400b\ufffd', '{"n":"5","t":"\u2400","\u2400":"k"}'],
    ['7', '{"value":"[\\"a\\"]"}'],
  ]);
});

test('of revisions in one batch the one of the transaction that was begun first, then the greatest, is left', () => {
  const { rows } = summaries(
    aSummary(1, { version: 2, created_at: '2026-01-02T00:00:00.000000Z' }),
    aSummary(2, { version: 1 }),
    aSummary(1, { version: 1, created_at: '2026-01-01T00:00:00.000000Z' }),
    aSummary(1, { version: 3, created_at: '2026-01-02T00:00:00.000000Z' }),
    aSummary(2, { version: 10 }),
    aSummary(2, { version: 9 }),
  );
  expect(newestOf(rows).map(({ index }) => index)).toEqual([2, 4]);
});
