import { RetriableError } from '../errors.ts';
import type { RedisClient } from './connection.ts';
import type { Keys, StreamKind } from './keys.ts';
import { STREAM_KINDS } from './keys.ts';
import { errorCode, reply } from './redis-error.ts';

/**
 * Consumer groups, used as durable cursors: a claim makes its holder the only reader, so entries are read with XREAD and the
 * group's last-delivered id is moved by the same script that makes them take effect (XGROUP SETID). There is no list of pending
 * entries that could be lost with its consumer, taken by a sleeper that wakes, or written to the append-only file entry by entry;
 * XINFO GROUPS shows the lag as ever. Why, and what it measured: docs/decisions/001-groups-as-cursors.md.
 */

/** The processors' group on the log streams. */
export const PROCESSOR_GROUP = 'processor';

/** A sink's group on every stream kind it takes. */
export function sinkGroup(sink: string): string {
  return `sink:${sink}`;
}

/** Creates a group at the stream's beginning where it does not exist; nothing is trimmed before a group has it. */
export async function ensureGroup(redis: RedisClient, stream: string, group: string): Promise<void> {
  try {
    await redis.xgroup('CREATE', stream, group, '0', 'MKSTREAM');
  } catch (error) {
    // BUSYGROUP: it exists, which is what we want.
    if (errorCode(error) !== 'BUSYGROUP') await reply(Promise.reject(error));
  }
}

export interface GroupInfo {
  name: string;
  last_delivered_id: string;
  /** Entries read since the stream began; null where Redis cannot tell. */
  entries_read: number | null;
  /** Entries not yet taken into effect; null where Redis cannot tell, which is not 0. */
  lag: number | null;
}

/** The groups of a stream; none if the stream does not exist. */
export async function groupsOf(redis: RedisClient, stream: string): Promise<GroupInfo[]> {
  let raw: unknown[];
  try {
    raw = (await redis.xinfo('GROUPS', stream)) as unknown[];
  } catch (error) {
    if (error instanceof Error && errorCode(error) === 'ERR') return [];
    return reply(Promise.reject(error));
  }
  return raw.map((flat) => {
    const fields = fieldsOf(flat as unknown[]);
    return {
      name: String(fields.get('name')),
      last_delivered_id: String(fields.get('last-delivered-id')),
      entries_read: entriesRead(fields),
      lag: (fields.get('lag') ?? null) as number | null,
    };
  });
}

/** Redis does not tell it of a group that has read nothing yet. */
function entriesRead(fields: ReadonlyMap<string, unknown>): number | null {
  const told = (fields.get('entries-read') ?? null) as number | null;
  return told === null && String(fields.get('last-delivered-id')) === '0-0' ? 0 : told;
}

/** Where a group stands. Throws a RetriableError after having created the group anew if it is gone. */
export async function positionOf(redis: RedisClient, stream: string, group: string): Promise<GroupInfo> {
  const info = (await groupsOf(redis, stream)).find((g) => g.name === group);
  if (info !== undefined) return info;
  await ensureGroup(redis, stream, group);
  throw new RetriableError(`group ${group} of ${stream} was missing and has been created`);
}

export interface StreamInfo {
  length: number;
  entries_added: number;
  first_id: string | null;
  last_id: string;
}

/** Null if the stream does not exist. */
export async function streamInfo(redis: RedisClient, stream: string): Promise<StreamInfo | null> {
  let raw: unknown[];
  try {
    raw = (await redis.xinfo('STREAM', stream)) as unknown[];
  } catch (error) {
    if (errorCode(error) === 'ERR') return null;
    return reply(Promise.reject(error));
  }
  const fields = fieldsOf(raw);
  const first = fields.get('first-entry') as [string] | null;
  return {
    length: Number(fields.get('length')),
    entries_added: Number(fields.get('entries-added')),
    first_id: first === null ? null : first[0],
    last_id: String(fields.get('last-generated-id')),
  };
}

function fieldsOf(flat: readonly unknown[]): Map<string, unknown> {
  const fields = new Map<string, unknown>();
  for (let i = 0; i + 1 < flat.length; i += 2) fields.set(String(flat[i]), flat[i + 1]);
  return fields;
}

/** Which groups read which streams: the processors take logs; each sink takes the kinds it names. */
export async function ensureGroups(
  redis: RedisClient,
  keys: Keys,
  partitions: number,
  sinks: readonly { name: string; streams: readonly StreamKind[] }[],
): Promise<void> {
  for (let partition = 0; partition < partitions; partition += 1) {
    await ensureGroup(redis, keys.stream(partition, 'log'), PROCESSOR_GROUP);
    for (const sink of sinks) {
      for (const kind of STREAM_KINDS.filter((k) => sink.streams.includes(k))) {
        await ensureGroup(redis, keys.stream(partition, kind), sinkGroup(sink.name));
      }
    }
  }
}
