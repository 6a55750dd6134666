import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { bookingArguments, OTHER_INTERFACES } from '../account.ts';
import type { Booking } from '../account.ts';
import { startRedis } from '../testing/redis-server.ts';
import type { TestRedis } from '../testing/redis-server.ts';
import type { RedisClient } from './connection.ts';
import { PARTS } from './scripts.ts';

let server: TestRedis;
let redis: RedisClient;

beforeAll(async () => {
  server = await startRedis();
  redis = await server.client();
});
beforeEach(() => redis.flushall());
afterAll(() => server.stop());

const booked = (day: string, interface_id: string, count = 1): Booking => ({
  day,
  booked: 'accepted',
  input: 'api',
  interface_id,
  count,
});
const accountOf = (day: string) => `account:${day}`;
const fieldOf = (interface_id: string) => `accepted\tapi\t${interface_id}`;
const DAY = '2026-01-31';
const NEXT = '2026-02-01';

/** As a script does that has a key and a word before its own. */
async function book(...bookings: Booking[]): Promise<void> {
  const { keys, args } = bookingArguments(bookings, accountOf, 1);
  await redis.call(
    'EVAL',
    `${PARTS.book}\nlook_at_accounts(2)\nbook(2)\nreturn ARGV[behind_bookings(2)]`,
    keys.length + 1,
    'first',
    ...keys,
    'first',
    ...args,
    'behind',
  );
}

test('counts are added up by day, and each account is kept for 32 days', async () => {
  await book(booked(DAY, 'a', 2), booked(NEXT, 'a', 3), booked(DAY, 'b', 4), booked(NEXT, 'b', 5));
  await book(booked(NEXT, 'b', 6));
  expect(await redis.hgetall(accountOf(DAY))).toEqual({ [fieldOf('a')]: '2', [fieldOf('b')]: '4' });
  expect(await redis.hgetall(accountOf(NEXT))).toEqual({ [fieldOf('a')]: '3', [fieldOf('b')]: '11' });
  for (const day of [DAY, NEXT]) {
    expect(await redis.ttl(accountOf(day))).toBeGreaterThan(32 * 86_400 - 60);
  }
});

test('an account has 10,000 fields and one for all others', async () => {
  const many = Object.fromEntries(Array.from({ length: 9_999 }, (_, n) => [fieldOf(`i-${n}`), '1']));
  await redis.hset(accountOf(DAY), many);
  await book(
    booked(DAY, 'i-1'),
    booked(DAY, 'fits'),
    booked(DAY, 'over'),
    booked(DAY, 'i-2'),
    booked(DAY, 'over as well', 2),
    booked(NEXT, 'over'),
  );
  const account = await redis.hgetall(accountOf(DAY));
  expect(Object.keys(account)).toHaveLength(10_001);
  expect(account).toMatchObject({
    [fieldOf('i-1')]: '2',
    [fieldOf('i-2')]: '2',
    [fieldOf('fits')]: '1',
    [fieldOf(OTHER_INTERFACES)]: '3',
  });
  expect(await redis.hgetall(accountOf(NEXT))).toEqual({ [fieldOf('over')]: '1' });
});

test('something else in the place of an account is found before anything is counted', async () => {
  await redis.set(accountOf(NEXT), 'not ours');
  await expect(book(booked(DAY, 'a'), booked(NEXT, 'a'))).rejects.toThrow('WRONGTYPE');
  expect(await redis.exists(accountOf(DAY))).toBe(0);
});

test('nothing to count leaves nothing behind', async () => {
  await book();
  expect(await redis.keys('*')).toEqual([]);
});
