import type { RedisClient } from './connection.ts';
import type { Keys, StreamKind } from './keys.ts';
import { loadScript } from './scripts.ts';

const trimScript = loadScript(new URL('./trim.lua', import.meta.url));

/** A stream after what every group has was dropped from it. */
export interface TrimmedStream {
  partition: number;
  kind: StreamKind;
  dropped: number;
  /** Entries that are left. */
  entries: number;
  groups: GroupLag[];
  /** Groups that should read it and are not there: until they are, nothing is dropped. */
  missing: string[];
}

/** How far behind a group is: a group that stays away holds its entries back, and here it shows. */
export interface GroupLag {
  name: string;
  /** Entries not taken yet; null where Redis cannot tell, which is not 0. */
  lag: number | null;
  /** When the first of them was appended, ms since 1970; null if it has taken all. */
  waiting_since: number | null;
}

/** What stays of a stream although every group has it, for readers that have no group. */
export interface StreamHistory {
  /** How old it may be. */
  ms: number;
  /** Entries that the stream may hold with it. */
  entriesMax: number;
  /** Bytes that the stream may hold with it, about: by the size of a few of its entries. */
  bytesMax: number;
}

const NO_HISTORY: StreamHistory = { ms: 0, entriesMax: 0, bytesMax: 0 };

/** Drops what every group of a stream has, unless one of those that should be there is missing. */
export async function trimStream(
  redis: RedisClient,
  keys: Keys,
  partition: number,
  kind: StreamKind,
  expected: readonly string[],
  history: StreamHistory = NO_HISTORY,
): Promise<TrimmedStream> {
  const { ms, entriesMax, bytesMax } = history;
  const args = [ms, entriesMax, bytesMax, ...expected];
  const answer = (await trimScript.run(redis, [keys.stream(partition, kind)], args)) as (Buffer | number)[];
  const [dropped, entries, ...flat] = answer.map(String);
  const groups = groupsFrom(flat);
  return {
    partition,
    kind,
    dropped: Number(dropped),
    entries: Number(entries),
    groups,
    missing: expected.filter((name) => !groups.some((group) => group.name === name)),
  };
}

function groupsFrom(flat: readonly string[]): GroupLag[] {
  const groups: GroupLag[] = [];
  for (let at = 0; at + 2 < flat.length; at += 3) {
    const [name = '', lag, since] = flat.slice(at, at + 3);
    groups.push({ name, lag: numberOrNull(lag), waiting_since: numberOrNull(since) });
  }
  return groups;
}

function numberOrNull(text: string | undefined): number | null {
  return text === undefined || text === '' ? null : Number(text);
}
