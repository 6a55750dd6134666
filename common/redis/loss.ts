import { compareIds } from './stream-id.ts';
import type { StreamInfo } from './groups.ts';

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
