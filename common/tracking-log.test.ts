import { expect, test } from 'vitest';
import { checkTrackingLog } from './tracking-log.ts';

const stamp = {
  event_id: 'f:0',
  ingest_time: '2026-01-31T09:15:01.000000Z',
  channel: 'file',
  input: 'orders',
};
const minimal = {
  transaction_id: 'T1',
  step: 'send',
  status: 'succeeded',
  event_time: '2026-01-31T18:15:00.1234567+09:00',
};

test('a minimal log is completed with defaults and the stamp, its time in UTC to the microsecond', () => {
  expect(checkTrackingLog(minimal, stamp)).toEqual({
    log: {
      ...stamp,
      transaction_id: 'T1',
      step: 'send',
      status: 'succeeded',
      branch: '',
      attempt: 1,
      event_time: '2026-01-31T09:15:00.123456Z',
    },
  });
});

test('a log that names its own event id keeps it', () => {
  expect(checkTrackingLog({ ...minimal, event_id: 'mine' }, stamp).log?.event_id).toBe('mine');
});

test('every wrong field is named with its reason', () => {
  const { issues } = checkTrackingLog(
    {
      transaction_id: '',
      status: 'done',
      event_time: '2026-01-31 18:15:00',
      attempt: 0,
      colour: 'red',
      business_keys: { a: {} },
    },
    stamp,
  );
  expect(issues).toEqual(
    expect.arrayContaining([
      { field: 'transaction_id', reason: 'is required' },
      { field: 'step', reason: 'is required' },
      { field: 'status', reason: 'must be one of started, succeeded, failed, skipped, info' },
      { field: 'event_time', reason: expect.stringContaining('RFC 3339 time with its zone') },
      { field: 'attempt', reason: 'must be 1 or more' },
      { field: 'colour', reason: 'is not a field of the standard log; put it under attributes' },
      { field: 'business_keys.a', reason: 'must be a text, a number or a boolean' },
    ]),
  );
  expect(issues).toHaveLength(7);
});

test.each(['business_keys', 'attributes'])('a list is no object of texts: %s', (field) => {
  for (const list of [[], ['010-1234-5678'], ['a', 1, true]]) {
    expect(checkTrackingLog({ ...minimal, [field]: list }, stamp).issues).toEqual([
      { field, reason: 'must be an object of texts, not a list' },
    ]);
  }
});

test('names beyond their bound are refused, by bytes and not by characters', () => {
  expect(checkTrackingLog({ ...minimal, transaction_id: '가'.repeat(85) }, stamp).log).toBeDefined();
  expect(checkTrackingLog({ ...minimal, transaction_id: '가'.repeat(86) }, stamp).issues).toEqual([
    { field: 'transaction_id', reason: 'is longer than 256 bytes' },
  ]);
});

test('free text is cut at its bound and never inside a character', () => {
  const { log } = checkTrackingLog({ ...minimal, error_message: '가'.repeat(5000) }, stamp);
  expect(Buffer.byteLength(log!.error_message!)).toBe(8190);
  expect(log!.error_message).toMatch(/^가+$/);
});

test('a half surrogate pair does not reach the stores', () => {
  expect(checkTrackingLog({ ...minimal, error_message: 'x\ud800' }, stamp).log?.error_message).toBe(
    'x\ufffd',
  );
});

test('map values given as numbers are kept as text', () => {
  expect(
    checkTrackingLog({ ...minimal, business_keys: { items: 5, gift: true } }, stamp).log?.business_keys,
  ).toEqual({
    items: '5',
    gift: 'true',
  });
});
