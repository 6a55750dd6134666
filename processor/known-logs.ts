import { crc32 } from 'node:zlib';
import type { MergeLog } from '../common/merge.ts';

/**
 * Which logs a transaction has, by the CRC-32 of their event ids: what tells a log that came before from a new one, and a store that
 * lacks one. Four bytes are enough within one transaction: of 500 logs, two share one in 3 of 100,000 transactions.
 */
export type KnownLogs = readonly number[];

/** Of a transaction with more logs, further ones are not known: they all count as new. */
export const KNOWN_LOGS_MAX = 512;

export interface Noted {
  /** The very list that was given, if nothing was new. */
  known: KnownLogs;
  /** Indexes of the logs that were known. */
  repeated: number[];
}

/** Notes logs. Pure: `known` is not changed. */
export function noteLogs(known: KnownLogs, logs: readonly MergeLog[]): Noted {
  const repeated: number[] = [];
  let noted: number[] | undefined;
  logs.forEach(({ event_id }, index) => {
    const hash = hashOf(event_id);
    if ((noted ?? known).includes(hash)) {
      repeated.push(index);
    } else if ((noted ?? known).length < KNOWN_LOGS_MAX) {
      noted ??= [...known];
      noted.push(hash);
    }
  });
  return { known: noted ?? known, repeated };
}

/** Signed, since small integers take less memory and time than numbers beyond 2^31. */
export function hashOf(eventId: string): number {
  return crc32(eventId) | 0;
}
