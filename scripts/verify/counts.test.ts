import { expect, test } from 'vitest';
import { OTHER_INTERFACES } from '../../common/account.ts';
import type { Booked, Booking } from '../../common/account.ts';
import type { Books } from './books.ts';
import { countLetters, countLogs } from './counts.ts';

const day = '2026-01-31';
const book = (booked: Booked, count: number, interface_id = 'order', input = 'api'): Booking => {
  return { day, booked, input, interface_id, count };
};
const waiting = (count: number, group = 'sink:store', kind: 'log' | 'dead_letter' = 'log') => {
  return { group, kind, account: { day, input: 'api', counts: new Map([['order', count]]) } };
};
const store = (rows: number, logs: number) => {
  const stored = [{ input: 'api', interface_id: 'order', rows, logs }];
  return { name: 'store', group: 'sink:store', stored };
};

function wrongWith(books: Books, sink: ReturnType<typeof store>): string[] {
  return countLogs(books, sink).flatMap(({ wrong }) => wrong);
}

const books: Books = {
  bookings: [
    book('accepted', 100),
    book('repeated', 4),
    book('taken:store', 90),
    book('refused:store', 2),
    book('taken:other', 1),
  ],
  waiting: [waiting(7), waiting(3), waiting(50, 'sink:other')],
};

test('all is well when what was accepted is stored, refused or on its way', () => {
  expect(countLogs(books, store(88, 84))).toEqual([
    {
      sink: 'store',
      input: 'api',
      interface_id: 'order',
      accepted: 100,
      repeated: 4,
      taken: 90,
      refused: 2,
      in_flight: 10,
      stored: { rows: 88, logs: 84 },
      wrong: [],
    },
  ]);
  // Repetitions that have collapsed.
  expect(wrongWith(books, store(84, 84))).toEqual([]);
});

test.each([
  ['a log that the store lacks', books, store(83, 83), '1 given to the store and not in it'],
  ['rows that are there twice', books, store(91, 84), '3 more rows in the store than were given to it'],
  [
    'an entry that vanished',
    { ...books, waiting: [waiting(7)] },
    store(88, 84),
    '3 accepted and neither given to the store nor in flight',
  ],
  [
    'an entry that came twice',
    { ...books, waiting: [waiting(12)] },
    store(88, 84),
    '2 more given to the store or in flight than accepted',
  ],
])('%s is told', (_, found, sink, words) => {
  expect(wrongWith(found, sink)).toEqual([words]);
});

test('an interface that only the store knows is shown, and none of it is missing', () => {
  const sink = { ...store(1, 1), stored: [{ input: 'files', interface_id: '', rows: 3, logs: 3 }] };
  expect(countLogs({ bookings: [], waiting: [] }, sink)).toMatchObject([
    { input: 'files', accepted: 0, wrong: ['3 more rows in the store than were given to it'] },
  ]);
});

test('an input with more interfaces than are counted apart is counted as a whole', () => {
  const crowded: Books = {
    bookings: [book('accepted', 5), book('accepted', 7, OTHER_INTERFACES), book('taken:store', 12, 'x')],
    waiting: [],
  };
  expect(countLogs(crowded, store(12, 12))).toMatchObject([
    { interface_id: '(all)', accepted: 12, wrong: [] },
  ]);
});

test('dead letters of collectors are counted the same way', () => {
  const found: Books = {
    bookings: [book('dead_letter', 9, ''), book('dead_letter_taken:store', 5, '')],
    waiting: [waiting(3, 'sink:store', 'dead_letter')],
  };
  expect(countLetters(found, store(0, 0))).toMatchObject([
    { kept: 9, taken: 5, in_flight: 3, wrong: ['1 dead letters neither given to the store nor in flight'] },
  ]);
});
