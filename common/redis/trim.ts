import type { RedisClient } from './connection.ts';
import { STREAM_KINDS } from './keys.ts';
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
}

/** How far behind a group is: a group that stays away holds its entries back, and here it shows. */
export interface GroupLag {
  name: string;
  /** Entries not taken yet; null where Redis cannot tell, which is not 0. */
  lag: number | null;
  /** When the first of them was appended, ms since 1970; null if it has taken all. */
  waiting_since: number | null;
}

/** Drops what every group of a partition's streams has. */
export async function trimPartition(
  redis: RedisClient,
  keys: Keys,
  partition: number,
): Promise<TrimmedStream[]> {
  const trimmed: TrimmedStream[] = [];
  for (const kind of STREAM_KINDS) {
    const answer = (await trimScript.run(redis, [keys.stream(partition, kind)], [])) as (Buffer | number)[];
    const [dropped, entries, ...flat] = answer.map(String);
    trimmed.push({
      partition,
      kind,
      dropped: Number(dropped),
      entries: Number(entries),
      groups: groupsFrom(flat),
    });
  }
  return trimmed;
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
