import type { Clock } from '../clock.ts';
import type { RedisClient } from './connection.ts';
import type { StreamInfo } from './groups.ts';
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
  /** The position behind these entries, with what was lost among them counted as read. */
  advance(position: Position, entries: readonly { id: string }[]): Position;
  /** Looks at the stream now. */
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
  stream: string;
  group: string;
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

export function createLossWatch({ redis, stream, group, clock, tell }: LossWatchDeps): LossWatch {
  let mark: Mark | undefined;
  let dueAt = clock.now() + LOOK_MS;

  /** @param expected how many entries a reader who missed none would have read at this position. */
  function settle(position: Position, expected: number): Position {
    const { entriesRead } = position;
    if (entriesRead === expected) return position;
    // Not known so far (somebody moved the group by hand): from here on it is.
    if (entriesRead !== null) {
      const lost = expected - entriesRead;
      tell(lost < 0 ? BEGAN_ANEW : { entries: lost, words: 'entries were deleted from the stream unread' });
    }
    return { ...position, entriesRead: expected };
  }

  function compare(info: StreamInfo, position: Position): Position {
    const order = compareIds(position.lastId, info.last_id);
    if (order > 0) {
      // Ids only grow within a stream, so this is another one; what it holds is all new.
      mark = undefined;
      tell(BEGAN_ANEW);
      return { lastId: '0-0', entriesRead: info.entries_added - info.length };
    }
    if (order === 0) return settle(position, info.entries_added);
    if (info.first_id === null || compareIds(info.first_id, position.lastId) > 0) {
      return settle(position, info.entries_added - info.length);
    }
    mark ??= { id: info.last_id, added: info.entries_added };
    return position;
  }

  async function look(position: Position): Promise<Look> {
    dueAt = clock.now() + LOOK_MS;
    const seen = await lookAt(redis, stream, group);
    if (seen === null) {
      mark = undefined;
      tell({ ...BEGAN_ANEW, words: 'the stream was deleted: nobody can say how many entries it held' });
      return { position: { lastId: '0-0', entriesRead: 0 }, misplaced: true };
    }
    const next = compare(seen.info, position);
    if (seen.grouped) return { position: next, misplaced: next !== position };
    tell({ entries: 0, words: `the group ${group} was destroyed; it is made again where its reader stands` });
    return { position: next, misplaced: true };
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

/** Null if there is no stream. */
async function lookAt(
  redis: RedisClient,
  stream: string,
  group: string,
): Promise<{ info: StreamInfo; grouped: boolean } | null> {
  const answer = (await lookScript.run(redis, [stream], [group])) as
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
