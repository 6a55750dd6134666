import { expect, test } from 'vitest';
import { addUpTo } from './transactions.ts';

test.each([
  { before: 0, news: 6, kept: 6, all: true },
  { before: 4, news: 6, kept: 10, all: true },
  { before: 5, news: 6, kept: 10, all: false },
  { before: 10, news: 0, kept: 10, all: true },
  { before: 10, news: 1, kept: 10, all: false },
])('of up to ten, $news after $before are all: $all', ({ before, news, kept, all }) => {
  const differing = Array.from({ length: before }, () => 'x');
  const added = addUpTo(
    10,
    differing,
    Array.from({ length: news }, () => 'y'),
  );
  expect([differing.length, added]).toEqual([kept, all]);
});
