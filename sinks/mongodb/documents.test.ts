import { expect, test } from 'vitest';
import type { Document } from 'mongodb';
import { summaryToLine } from '../../common/summary-row.ts';
import { rowFromLine } from '../../common/wire-row.ts';
import { aDeadLetter, aLog, aSummary, TIME } from '../testing/rows.ts';
import { toDocument } from './documents.ts';

/** The exact time of a field, as docs/sinks-mongodb-ndjson.md says that it is put together. */
const exact = (document: Document, field: string) =>
  (document[field] as Date)
    .toISOString()
    .replace('Z', `${String((document[`${field}_us`] as number | undefined) ?? 0).padStart(3, '0')}Z`);

test.each([
  ['2026-01-31T09:15:00.123456Z', '2026-01-31T09:15:00.123Z', 456],
  ['2026-01-31T09:15:00.123000Z', '2026-01-31T09:15:00.123Z', undefined],
  ['1969-12-31T23:59:59.999999Z', '1969-12-31T23:59:59.999Z', 999],
  ['2299-12-31T23:59:59.000001Z', '2299-12-31T23:59:59.000Z', 1],
  ['1900-01-01T00:00:00.000001Z', '1900-01-01T00:00:00.000Z', 1],
])('%s is the date %s and %s µs', (time, date, micros) => {
  const document = toDocument('log', aLog(1, { event_time: time }));
  expect(document['event_time']).toEqual(new Date(date));
  expect(document['event_time_us']).toBe(micros);
  expect(exact(document, 'event_time')).toBe(time);
});

test('a log has its fields, its maps as pairs and an id of transaction and event', () => {
  const log = aLog(7, { business_keys: { 'order.no': '7', $ref: 'x', '': 'empty' }, attributes: {} });
  const { event_time, ingest_time, business_keys, attributes, ...rest } = log;
  expect(toDocument('log', log)).toEqual({
    ...rest,
    _id: { t: 'T7', e: 'e7' },
    event_time: new Date(event_time),
    ingest_time: new Date(ingest_time),
    business_keys: Object.entries(business_keys!).map(([k, v]) => ({ k, v })),
    attributes: [],
  });
  expect(attributes).toEqual({});
});

test('a summary has all of its fields, also those that are left out on the way', () => {
  const summary = aSummary(1, { late: false, ended_at: null });
  const document = toDocument('summary', rowFromLine('summary', summaryToLine(summary)).row!);
  const { _id: id, ...fields } = document;
  expect(id).toBe('T1');
  expect(Object.keys(fields)).toEqual(Object.keys(summary));
  expect(fields).toMatchObject({ late: false, ended_at: null, error_code: '', version: 1 });
  const [step] = fields['steps'] as Document[];
  expect(step).toEqual({ ...summary.steps[0], started_at: new Date(TIME), ended_at: new Date(TIME) });
});

test('a dead letter is told apart from what another sink refused of the same row', () => {
  const ids = ['sink a', 'sink b'].map(
    (stage) => toDocument('dead_letter', { ...aDeadLetter(1), stage })['_id'] as unknown,
  );
  expect(ids).toEqual([
    { e: 'd1', s: 'sink a', i: 'api' },
    { e: 'd1', s: 'sink b', i: 'api' },
  ]);
});
