import type { Clock } from '../clock.ts';
import type { RedisClient } from './connection.ts';
import type { ClaimedGroup, StreamInfo } from './groups.ts';
import { loadScript } from './scripts.ts';
import { compareIds } from './stream-id.ts';

const lookScript = loadScript(new URL('./look.lua', import.meta.url));

/** Where a reader stands: behind this entry, having read so many since the stream began (null where Redis cannot tell). */
export interface Position {
  lastId: string;
  entriesRead: number | null;
}

/** Entries that were gone before the reader had them. */
export interface Loss {
  /** At least so many. */
  entries: number;
  /** What happened, for the operator. */
  words: string;
}

/**
 * Notices entries that somebody trimmed or deleted before they were read. A group's `lag` hides that (it reads 0 after a trim), so the
 * count of entries ever added is compared with what was read. The two can be compared where the reader stands
 *
 * - at the stream's end: all that were added should have been read,
 * - before the first entry that is left: all that were added and are not there any more should have been read,
 * - in between: not yet. A mark keeps how many had been added when the last entry was this one; once the reader has passed it, that
 *   many should have been read. So a stream that never rests is watched like any other.
 *
 * More read than added means that the stream was deleted and began anew: what it held unread then, nobody can say.
 */
export interface LossWatch {
  /** The position behind these entries, with what was lost among them counted as read; told by the next look, for which it is time then. */
  advance(position: Position, entries: readonly { id: string }[]): Position;
  /** Looks at the stream now. Throws a FencedError when the claim is lost: what is missing then may be what another replica had. */
  look(position: Position): Promise<Look>;
  /** Looks at the stream if the last time was long enough ago. */
  lookWhenDue(position: Position): Promise<Look>;
}

export interface Look {
  /** Where to read on. */
  position: Position;
  /** Whether the group in Redis stands elsewhere, or is gone: it is to be placed there, so that each loss is told once. */
  misplaced: boolean;
}

export interface LossWatchDeps {
  redis: RedisClient;
  group: ClaimedGroup;
  clock: Clock;
  /** Counts a loss and says it. */
  tell: (loss: Loss) => void;
}

/** How often a worker looks whether entries vanished unread. */
const LOOK_MS = 5_000;

const BEGAN_ANEW: Loss = {
  entries: 1,
  words:
    'the stream was deleted and began anew: nobody can say how many entries it held, so they count as one',
};

/** For a reader whose group is not there when it begins: every role makes what is missing when it starts, so somebody took it away. */
export const GROUP_WAS_MISSING: Loss = {
  entries: 1,
  words:
    'the group was missing: somebody deleted the stream, or destroyed the group. Reading starts at the beginning of what is there; what it had not read by then counts as one entry',
};

/** How many entries had been added when the last one had this id. */
interface Mark {
  id: string;
  added: number;
}

export function createLossWatch({ redis, group, clock, tell }: LossWatchDeps): LossWatch {
  let mark: Mark | undefined;
  /** Noticed, and not told before a look has shown that the claim still holds: a process that was paused may read what another has trimmed. */
  let noticed: Loss[] = [];
  let dueAt = clock.now() + LOOK_MS;

  /** @param expected how many entries a reader who missed none would have read at this position. */
  function settle(position: Position, expected: number): Position {
    const { entriesRead } = position;
    if (entriesRead === expected) return position;
    // Not known so far (somebody moved the group by hand): from here on it is.
    if (entriesRead !== null) {
      const lost = expected - entriesRead;
      noticed.push(
        lost < 0 ? BEGAN_ANEW : { entries: lost, words: 'entries were deleted from the stream unread' },
      );
      dueAt = clock.now();
    }
    return { ...position, entriesRead: expected };
  }

  function compare(info: StreamInfo, position: Position): Position {
    const order = compareIds(position.lastId, info.last_id);
    if (order > 0) {
      // Ids only grow within a stream, so this is another one; what it holds is all new.
      mark = undefined;
      noticed.push(BEGAN_ANEW);
      return { lastId: '0-0', entriesRead: info.entries_added - info.length };
    }
    if (order === 0) return settle(position, info.entries_added);
    if (info.first_id === null || compareIds(info.first_id, position.lastId) > 0) {
      return settle(position, info.entries_added - info.length);
    }
    mark ??= { id: info.last_id, added: info.entries_added };
    return position;
  }

  function compareWith(seen: Seen | null, position: Position): Look {
    if (seen === null) {
      mark = undefined;
      noticed.push({
        ...BEGAN_ANEW,
        words: 'the stream was deleted: nobody can say how many entries it held',
      });
      return { position: { lastId: '0-0', entriesRead: 0 }, misplaced: true };
    }
    const next = compare(seen.info, position);
    if (seen.grouped) return { position: next, misplaced: next !== position };
    const words = `the group ${group.group} was destroyed; it is made again where its reader stands`;
    noticed.push({ entries: 0, words });
    return { position: next, misplaced: true };
  }

  async function look(position: Position): Promise<Look> {
    const looked = compareWith(await lookAt(redis, group), position);
    dueAt = clock.now() + LOOK_MS;
    const losses = noticed;
    noticed = [];
    losses.forEach(tell);
    return looked;
  }

  return {
    advance: (position, entries) => {
      const lastId = entries.at(-1)?.id ?? position.lastId;
      const behind = (at: Position, more: number): Position => ({
        lastId,
        entriesRead: at.entriesRead === null ? null : at.entriesRead + more,
      });
      if (mark === undefined || compareIds(lastId, mark.id) < 0) return behind(position, entries.length);
      const { id, added } = mark;
      mark = undefined;
      const upToMark = entries.filter((entry) => compareIds(entry.id, id) <= 0).length;
      return behind(settle(behind(position, upToMark), added), entries.length - upToMark);
    },
    look,
    lookWhenDue: async (position) => (clock.now() < dueAt ? { position, misplaced: false } : look(position)),
  };
}

interface Seen {
  info: StreamInfo;
  grouped: boolean;
}

/** Null if there is no stream. */
async function lookAt(
  redis: RedisClient,
  { stream, group, claimKey, token }: ClaimedGroup,
): Promise<Seen | null> {
  const answer = (await lookScript.run(redis, [stream, claimKey], [group, token])) as
    [number, number, Buffer, Buffer, number] | null;
  if (answer === null) return null;
  const [length, added, first, last, grouped] = answer;
  const firstId = String(first);
  return {
    info: {
      length,
      entries_added: added,
      first_id: firstId === '' ? null : firstId,
      last_id: String(last),
    },
    grouped: grouped === 1,
  };
}
