import { expect, test } from 'vitest';
import { decodeEntry } from './stream-entry.ts';
import { undecodableLetter } from './undecodable.ts';

const NOW = Date.parse('2026-01-31T12:00:00Z');
const entry = (id: string, value: string | Buffer) =>
  decodeEntry('log', [Buffer.from(id), [Buffer.from('hello'), Buffer.from(value)]]);
const letterOf = (id: string, value: string | Buffer = 'world', reader = 'processor', now = NOW) =>
  undecodableLetter('s', entry(id, value), 'is not ours', reader, now);

test('the dead letter of an entry is the same whoever reads it and when, but for the reader', () => {
  const id = `${NOW - 3_600_000}-7`;
  const { meta, ...letter } = letterOf(id);
  const { meta: other, ...same } = letterOf(id, 'world', 'sink x', NOW + 60_000);
  expect(letter).toEqual(same);
  expect([meta['reader'], other['reader']]).toEqual(['processor', 'sink x']);
  expect(letter).toMatchObject({
    event_id: `s/${id}`,
    ingest_time: '2026-01-31T11:00:00.000000Z',
    reason: 'the stream entry is not ours',
  });
});

test('its time is never so far from now that it would be dropped at once or kept for ever', () => {
  expect(letterOf('1-1').ingest_time).toBe('2026-01-30T12:00:00.000000Z');
  expect(letterOf('18446744073709551615-1').ingest_time).toBe('2026-01-31T12:00:00.000000Z');
});

test('an entry that is larger than any of ours is cut, and says so', () => {
  const letter = letterOf('1-1', Buffer.alloc(17 * 1024 * 1024, 'x'));
  expect(letter.meta['cut_from_bytes']).toBe(String(17 * 1024 * 1024 + 5));
  expect(Buffer.from(letter.raw_base64, 'base64').length).toBeLessThan(17 * 1024 * 1024);
});
