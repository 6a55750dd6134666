import { bookingArguments, bookingsOf } from '../common/account.ts';
import { BackPressureError } from '../common/errors.ts';
import type { RedisClient } from '../common/redis/connection.ts';
import type { Keys, StreamKind } from '../common/redis/keys.ts';
import { guardError } from '../common/redis/partition-change.ts';
import { loadScript, PARTS } from '../common/redis/scripts.ts';
import { encodeEntries, fieldsOf } from '../common/stream-entry.ts';
import type { EncodedEntry } from '../common/stream-entry.ts';
import { joinLines, sizeOfLine } from './row-room.ts';
import type { Row } from './rows.ts';

export interface SendDeps {
  redis: RedisClient;
  keys: Keys;
  partitions: number;
  /** Entries that a log stream may hold before senders must wait. */
  streamEntriesMax: number;
  /** Why nothing may be added now (Redis' memory is past its mark), in words; undefined while there is room. Always room if not given. */
  memoryReached?: () => string | undefined;
}

/** Where a positioned source must stand in a partition ('' for nowhere yet), and where it stands afterwards. */
export interface Position {
  source: string;
  from: string;
  to: number;
}

export type AppendReply = { status: 'ok' | 'full' } | { status: 'moved'; position: string };

/** Sends rows to one partition, all or nothing. Throws what Appender tells. */
export type SendRows = (partition: number, rows: readonly Row[], position?: Position) => Promise<AppendReply>;

const appendScript = loadScript(new URL('./append.lua', import.meta.url), PARTS.book);

const BYTES = { sizeOf: sizeOfLine, join: joinLines };

/** Keys of the script before the accounts. */
const FIXED_KEYS = 4;

export async function sendRows(
  { redis, keys, partitions, streamEntriesMax, memoryReached }: SendDeps,
  partition: number,
  rows: readonly Row[],
  position?: Position,
): Promise<AppendReply> {
  const reached = memoryReached?.();
  if (reached !== undefined) throw new BackPressureError(reached);
  const logs = encodeEntries(
    rows.filter((row) => row.kind === 'log'),
    BYTES,
  );
  const deadLetters = encodeEntries(
    rows.filter((row) => row.kind === 'dead_letter'),
    BYTES,
  );
  const bookings = [
    ...logs.flatMap(({ account }) => (account === undefined ? [] : bookingsOf('accepted', account))),
    ...deadLetters.flatMap(({ account }) =>
      account === undefined ? [] : bookingsOf('dead_letter', account),
    ),
  ];
  const books = bookingArguments(bookings, (day) => keys.account(partition, day), FIXED_KEYS);
  const result = (await appendScript.run(
    redis,
    [
      keys.stream(partition, 'log'),
      keys.stream(partition, 'dead_letter'),
      keys.positions(partition),
      keys.guard(partition),
      ...books.keys,
    ],
    [
      streamEntriesMax,
      position?.source ?? '',
      position?.from ?? '',
      position?.to ?? '',
      ...books.args,
      ...entryArguments('log', logs),
      ...entryArguments('dead_letter', deadLetters),
      partitions,
    ],
  )) as [Buffer, Buffer?];
  const status = String(result[0]);
  if (status === 'guarded') throw guardError(String(result[1]), partitions);
  if (status === 'moved') return { status, position: String(result[1]) };
  return { status: status === 'full' ? 'full' : 'ok' };
}

function entryArguments(
  kind: StreamKind,
  entries: readonly EncodedEntry<Buffer>[],
): (string | number | Buffer)[] {
  return [
    entries.length,
    ...entries.flatMap((entry) => {
      const fields = fieldsOf(kind, entry);
      return [fields.length, ...fields];
    }),
  ];
}
