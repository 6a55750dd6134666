import { OTHER_INTERFACES } from '../../common/account.ts';
import type { StoredLogs } from '../../sinks/inspector.ts';
import type { Books, CountedStream } from './books.ts';

/** What became of the logs of one input and interface on their way to one sink. */
export interface LogCount {
  sink: string;
  input: string;
  interface_id: string;
  /** Appended by collectors. */
  accepted: number;
  /** Of these, how many a transaction had already: a store keeps one of each. */
  repeated: number;
  /** Given to the store. */
  taken: number;
  /** Of these, how many the store refused for ever: they are dead letters. */
  refused: number;
  /** In Redis, and not given to the store yet. */
  in_flight: number;
  /** In the store; absent if it was not asked. */
  stored?: Pick<StoredLogs, 'rows' | 'logs'>;
  /** What does not add up, in words. */
  wrong: string[];
}

/** What became of the dead letters that collectors made of an input's records. */
export interface LetterCount {
  sink: string;
  input: string;
  kept: number;
  taken: number;
  in_flight: number;
  wrong: string[];
}

export interface CountedSink {
  name: string;
  group: string;
  /** What it has of the days, if it was asked. */
  stored?: readonly StoredLogs[];
}

/** Compares the books with themselves and with what a store holds. Pure. */
export function countLogs(books: Books, sink: CountedSink): LogCount[] {
  const counts = new Map<string, LogCount>();
  // Too many interfaces to be counted one by one: the input as a whole is.
  const crowded = new Set(
    books.bookings.filter((b) => b.interface_id === OTHER_INTERFACES).map(({ input }) => input),
  );
  const of = (input: string, interfaceId: string): LogCount => {
    const interface_id = crowded.has(input) ? '(all)' : interfaceId;
    const key = JSON.stringify([input, interface_id]);
    const known = counts.get(key);
    if (known !== undefined) return known;
    const made: LogCount = { sink: sink.name, input, interface_id, ...EMPTY, wrong: [] };
    if (sink.stored !== undefined) made.stored = { rows: 0, logs: 0 };
    counts.set(key, made);
    return made;
  };
  for (const { booked, input, interface_id, count } of books.bookings) {
    const field = fieldOf(booked, sink.name);
    if (field !== undefined) of(input, interface_id)[field] += count;
  }
  for (const { account } of waitingFor(books, sink.group, 'log')) {
    for (const [id, count] of account.counts) of(account.input, id).in_flight += count;
  }
  for (const { input, interface_id, rows, logs } of sink.stored ?? []) {
    const { stored } = of(input, interface_id);
    if (stored === undefined) continue;
    stored.rows += rows;
    stored.logs += logs;
  }
  for (const count of counts.values()) count.wrong = wrongWith(count);
  return [...counts.values()].sort(
    (a, b) => compare(a.input, b.input) || compare(a.interface_id, b.interface_id),
  );
}

const EMPTY = { accepted: 0, repeated: 0, taken: 0, refused: 0, in_flight: 0 };

function fieldOf(booked: string, sink: string): keyof typeof EMPTY | undefined {
  if (booked === 'accepted' || booked === 'repeated') return booked;
  if (booked === `taken:${sink}`) return 'taken';
  return booked === `refused:${sink}` ? 'refused' : undefined;
}

function wrongWith({ accepted, repeated, taken, refused, in_flight, stored }: LogCount): string[] {
  const wrong: string[] = [];
  const lost = accepted - taken - in_flight;
  if (lost > 0) wrong.push(`${lost} accepted and neither given to the store nor in flight`);
  if (lost < 0) wrong.push(`${-lost} more given to the store or in flight than accepted`);
  if (stored === undefined) return wrong;
  const missing = taken - refused - repeated - stored.logs;
  if (missing > 0) wrong.push(`${missing} given to the store and not in it`);
  const doubled = stored.rows - (taken - refused);
  if (doubled > 0) wrong.push(`${doubled} more rows in the store than were given to it`);
  return wrong;
}

export function countLetters(books: Books, { name, group }: CountedSink): LetterCount[] {
  const counts = new Map<string, LetterCount>();
  const of = (input: string) => {
    const known = counts.get(input) ?? { sink: name, input, kept: 0, taken: 0, in_flight: 0, wrong: [] };
    counts.set(input, known);
    return known;
  };
  for (const { booked, input, count } of books.bookings) {
    if (booked === 'dead_letter') of(input).kept += count;
    if (booked === `dead_letter_taken:${name}`) of(input).taken += count;
  }
  for (const { account } of waitingFor(books, group, 'dead_letter')) {
    for (const count of account.counts.values()) of(account.input).in_flight += count;
  }
  for (const count of counts.values()) {
    const lost = count.kept - count.taken - count.in_flight;
    if (lost > 0) count.wrong.push(`${lost} dead letters neither given to the store nor in flight`);
    if (lost < 0)
      count.wrong.push(`${-lost} more dead letters given to the store or in flight than were kept`);
  }
  return [...counts.values()].sort((a, b) => compare(a.input, b.input));
}

function waitingFor(books: Books, group: string, kind: CountedStream) {
  return books.waiting.filter((waiting) => waiting.group === group && waiting.kind === kind);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
