import { expect, test } from 'vitest';
import { describeError, RetriableError } from './errors.ts';

test.each([
  [new Error('away'), 'away'],
  [new RetriableError('not stored', { cause: new Error('away') }), 'not stored: away'],
  // As libraries do that wrap an error in one with the same words.
  [
    new RetriableError('not stored', { cause: new Error('away', { cause: new Error('away') }) }),
    'not stored: away',
  ],
  [new Error('', { cause: 'a text' }), 'Error: a text'],
  ['a text', 'a text'],
])('%# is described as %j', (error, words) => {
  expect(describeError(error)).toBe(words);
});
