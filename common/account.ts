/**
 * The books of a deployment: how many logs were accepted, which of them had come before, and how many each sink took. They are
 * kept by the scripts that do these things, so they are as exact as what they count, and `tranweave verify` compares them with what
 * the stores hold.
 *
 * An account is a partition's books of one UTC day of collection (`ingest_time`), a hash in Redis whose fields name what was
 * counted, the input and the interface.
 */

/**
 * What is counted: logs that were appended; dead letters of collectors that were; logs that a transaction had already; and for each sink
 * logs that were given to its store, those among them that the store refused for ever, and dead letters of collectors that were given to it.
 */
export type Booked =
  | 'accepted'
  | 'dead_letter'
  | 'repeated'
  | `taken:${string}`
  | `refused:${string}`
  | `dead_letter_taken:${string}`;

/** Of one day and one input: how many logs of each interface ('' for those without), or of dead letters under ''. */
export interface Account {
  /** `2026-01-31` */
  day: string;
  input: string;
  counts: ReadonlyMap<string, number>;
}

export interface Booking {
  day: string;
  booked: Booked;
  input: string;
  interface_id: string;
  count: number;
}

/** Beyond so many fields of an account, logs of further interfaces are counted under this name. The number and the name stand in redis/book.lua, too. */
export const OTHER_INTERFACES = '(others)';

/** A stream entry's field `a`. */
export function encodeAccount({ day, input, counts }: Account): string {
  return JSON.stringify([day, input, [...counts]]);
}

const DAY = /^\d{4}-\d\d-\d\d$/;

/** Undefined for what is no account: what an entry holds beside its rows must not keep these from being stored. */
export function decodeAccount(text: string): Account | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!Array.isArray(parsed)) return undefined;
  const [day, input, counts] = parsed as unknown[];
  if (typeof day !== 'string' || !DAY.test(day) || typeof input !== 'string' || !Array.isArray(counts))
    return undefined;
  return counts.every(isCount) ? { day, input, counts: new Map(counts) } : undefined;
}

function isCount(pair: unknown): pair is [string, number] {
  return Array.isArray(pair) && typeof pair[0] === 'string' && Number.isSafeInteger(pair[1]);
}

export function bookingsOf(booked: Booked, { day, input, counts }: Account): Booking[] {
  return [...counts].map(([interface_id, count]) => ({ day, booked, input, interface_id, count }));
}

/**
 * What a script needs to book (common/redis/book.lua): keys of the accounts, and for each booking the place of its key after `keysBefore` others, field
 * and count, those of one account one after the other.
 */
export function bookingArguments(
  bookings: readonly Booking[],
  keyOf: (day: string) => string,
  keysBefore: number,
): { keys: string[]; args: (string | number)[] } {
  const keys: string[] = [];
  const counts = new Map<string, { key: number; field: string; count: number }>();
  for (const booking of bookings) {
    const key = keyOf(booking.day);
    if (!keys.includes(key)) keys.push(key);
    const field = fieldOf(booking);
    const known = counts.get(`${key} ${field}`);
    if (known !== undefined) known.count += booking.count;
    else
      counts.set(`${key} ${field}`, { key: keysBefore + keys.indexOf(key) + 1, field, count: booking.count });
  }
  const sums = [...counts.values()].sort((a, b) => a.key - b.key);
  return { keys, args: [sums.length, ...sums.flatMap(({ key, field, count }) => [key, field, count])] };
}

/** Names of inputs and sinks have no tab; an interface may, so it stands last. */
function fieldOf({ booked, input, interface_id }: Booking): string {
  return `${booked}\t${input}\t${interface_id}`;
}

/** A field of an account in Redis and its value. Undefined for what is none of ours. */
export function parseBooking(day: string, field: string, value: string): Booking | undefined {
  const [, booked, input = '', interface_id = ''] = /^([^\t]+)\t([^\t]*)\t(.*)$/s.exec(field) ?? [];
  const count = Number(value);
  if (booked === undefined || !Number.isSafeInteger(count)) return undefined;
  return { day, booked: booked as Booked, input, interface_id, count };
}
