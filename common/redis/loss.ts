import type { RedisClient } from './connection.ts';
import { streamInfo } from './groups.ts';
import type { StreamInfo } from './groups.ts';
import { compareIds } from './stream-id.ts';

/** Where a reader stands: behind this entry, having read so many since the stream began (null where Redis cannot tell). */
export interface Position {
  lastId: string;
  entriesRead: number | null;
}

/**
 * How many entries are gone that the reader had not read: somebody trimmed or deleted them. A group's `lag` hides that (it reads 0
 * after a trim), so the count of entries ever added is compared with what was read and what is still there. Null where it cannot be
 * told: the reader stands in the middle of what is there.
 */
export function lostEntries(stream: StreamInfo, { lastId, entriesRead }: Position): number | null {
  if (entriesRead === null) return null;
  if (compareIds(lastId, stream.last_id) >= 0) return Math.max(0, stream.entries_added - entriesRead);
  if (stream.first_id === null || compareIds(stream.first_id, lastId) > 0) {
    return Math.max(0, stream.entries_added - stream.length - entriesRead);
  }
  return null;
}

/**
 * Looks whether entries vanished before the reader had them, and if so says how many. Returns the position with these counted as read, so
 * that each loss is told once.
 */
export async function noticeLoss(
  redis: RedisClient,
  stream: string,
  position: Position,
  onLost: (lost: number) => void,
): Promise<Position> {
  const info = await streamInfo(redis, stream);
  const lost = info === null ? null : lostEntries(info, position);
  if (lost === null || lost === 0) return position;
  onLost(lost);
  return { ...position, entriesRead: (position.entriesRead ?? 0) + lost };
}
