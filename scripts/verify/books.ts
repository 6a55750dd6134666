import { decodeAccount, parseBooking } from '../../common/account.ts';
import type { Account, Booking } from '../../common/account.ts';
import type { RedisClient } from '../../common/redis/connection.ts';
import type { Keys, StreamKind } from '../../common/redis/keys.ts';
import { reply } from '../../common/redis/redis-error.ts';
import { scanKeys } from '../../common/redis/scan.ts';
import { loadScript } from '../../common/redis/scripts.ts';

/** Streams whose rows are counted. */
export type CountedStream = Extract<StreamKind, 'log' | 'dead_letter'>;

/** What Redis says of some days: what was counted, and what has not come to a group yet. Each partition's part is of one moment. */
export interface Books {
  bookings: Booking[];
  /** Rows in the streams that a group has not taken, entry by entry. */
  waiting: Waiting[];
}

export interface Waiting {
  group: string;
  kind: CountedStream;
  account: Account;
}

export interface BooksDeps {
  redis: RedisClient;
  keys: Keys;
  partitions: number;
  /** Groups whose waiting rows are counted. One that a stream does not have has taken nothing of it. */
  groups: readonly string[];
  /** UTC days. */
  days: readonly string[];
}

const booksScript = loadScript(new URL('./books.lua', import.meta.url));
const waitingScript = loadScript(new URL('./waiting.lua', import.meta.url));

/** Entries that one call looks at: Redis is held up for as long as it reads them. */
const ENTRIES_PER_CALL = 200;
const KINDS: readonly CountedStream[] = ['log', 'dead_letter'];

/** Throws a RetriableError when Redis is away. */
export async function readBooks(deps: BooksDeps): Promise<Books> {
  const { keys, partitions } = deps;
  const books: Books = { bookings: [], waiting: [] };
  for (let partition = 0; partition < partitions; partition += 1) await addPartition(deps, partition, books);
  // Those of a larger number of partitions that there once was.
  for await (const page of scanKeys(deps.redis, keys.accountsMatch())) {
    for (const key of page) {
      const found = keys.parseAccount(key);
      if (found === undefined || found.partition < partitions || !deps.days.includes(found.day)) continue;
      const fields = Object.entries(await reply(deps.redis.hgetall(key), key));
      addBookings(books, found.day, fields);
    }
  }
  return books;
}

async function addPartition(deps: BooksDeps, partition: number, books: Books): Promise<void> {
  const { redis, keys, days } = deps;
  const streams = KINDS.map((kind) => keys.stream(partition, kind));
  const accounts = days.map((day) => keys.account(partition, day));
  const found = (await booksScript.run(redis, [...streams, ...accounts], [])) as Buffer[][];
  for (const [place, kind] of KINDS.entries()) {
    const [lastId = '', ...positions] = (found[place] ?? []).map(String);
    if (lastId === '') continue;
    const standing = new Map(pairsOf(positions));
    await addWaiting({ ...deps, kind, stream: keys.stream(partition, kind), lastId, standing }, books);
  }
  days.forEach((day, place) => {
    addBookings(books, day, pairsOf((found[KINDS.length + place] ?? []).map(String)));
  });
}

interface WaitingDeps extends BooksDeps {
  kind: CountedStream;
  stream: string;
  lastId: string;
  /** Where groups stand, by their names. */
  standing: ReadonlyMap<string, string>;
}

async function addWaiting(deps: WaitingDeps, books: Books): Promise<void> {
  const { redis, stream, kind, lastId, days } = deps;
  for (const group of deps.groups) {
    let after = deps.standing.get(group) ?? '0-0';
    while (after !== '') {
      const answer = await waitingScript.run(redis, [stream], [after, lastId, ENTRIES_PER_CALL]);
      const [last = '', ...texts] = (answer as Buffer[]).map(String);
      for (const text of texts) {
        const account = decodeAccount(text);
        if (account !== undefined && days.includes(account.day)) books.waiting.push({ group, kind, account });
      }
      after = last;
    }
  }
}

function addBookings(books: Books, day: string, fields: readonly [string, string][]): void {
  for (const [field, value] of fields) {
    const booking = parseBooking(day, field, value);
    if (booking !== undefined) books.bookings.push(booking);
  }
}

function pairsOf(texts: readonly string[]): [string, string][] {
  const pairs: [string, string][] = [];
  for (let at = 0; at + 1 < texts.length; at += 2) pairs.push([texts[at] ?? '', texts[at + 1] ?? '']);
  return pairs;
}
