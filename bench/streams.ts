import { groupsOf } from '../common/redis/groups.ts';
import { createKeys, STREAM_KINDS } from '../common/redis/keys.ts';
import type { StreamKind } from '../common/redis/keys.ts';
import { decodeEntry } from '../common/stream-entry.ts';
import type { StreamEntry } from '../common/stream-entry.ts';
import type { Lab } from './lab.ts';

/** What a lab's streams hold, and how far their readers are. */

export const keys = createKeys('tranweave');
/** Entries asked for at a time: some 10 MB at most, of up to 256 logs each. */
const ENTRIES_A_READ = 50;

/** Whether every group (or the one that is named) has taken everything of the streams of these kinds. */
export async function isDrained(
  lab: Lab,
  group?: string,
  kinds: readonly StreamKind[] = STREAM_KINDS,
): Promise<boolean> {
  for (let partition = 0; partition < lab.partitions; partition += 1) {
    for (const kind of kinds) {
      for (const { name, lag } of await groupsOf(lab.redisClient, keys.stream(partition, kind))) {
        if ((group === undefined || name === group) && lag !== 0) return false;
      }
    }
  }
  return true;
}

/** Logs that the log streams hold. */
export async function logsInStreams(lab: Lab): Promise<number> {
  let logs = 0;
  for await (const { rows } of entriesOf(lab, 'log')) logs += rows;
  return logs;
}

/** Every entry that the streams of a kind hold, partition by partition. */
export async function* entriesOf(lab: Lab, kind: StreamKind): AsyncGenerator<StreamEntry> {
  for (let partition = 0; partition < lab.partitions; partition += 1) {
    let from = '-';
    for (;;) {
      const entries = await lab.redisClient.xrangeBuffer(
        keys.stream(partition, kind),
        from,
        '+',
        'COUNT',
        ENTRIES_A_READ,
      );
      for (const entry of entries) yield decodeEntry(kind, entry);
      const last = entries.at(-1);
      if (last === undefined) break;
      from = `(${last[0].toString()}`;
    }
  }
}
