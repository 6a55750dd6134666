import * as v from 'valibot';
import { expect, test } from 'vitest';
import { cursorOf } from './cursor.ts';

const cursor = cursorOf('things', v.strictObject({ at: v.string() }));
const place = { at: '2026-01-31' };

test('a cursor leads back to its place', () => {
  expect(cursor.decode(cursor.encode(place, { status: ['failed'] }), { status: ['failed'] })).toEqual(place);
});

test.each([
  ['of other parameters', cursor.encode(place, { status: ['completed'] }), 'belongs to other parameters'],
  [
    'of another resource',
    cursorOf('logs', v.strictObject({ at: v.string() })).encode(place, {}),
    'belongs to',
  ],
  ['of another shape', Buffer.from('{"q":"x","at":{}}').toString('base64url'), 'is no `next_cursor`'],
  ['that is cut off', cursor.encode(place, {}).slice(0, -3), 'is no `next_cursor`'],
  ['that is made up', 'null', 'is no `next_cursor`'],
])('one %s is refused', (_which, text, words) => {
  expect(() => cursor.decode(text, {})).toThrow(`cursor ${words}`);
});
