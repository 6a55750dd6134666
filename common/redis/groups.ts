import { ForeignDataError } from '../errors.ts';
import type { RedisClient } from './connection.ts';
import type { Keys, StreamKind } from './keys.ts';
import { STREAM_KINDS } from './keys.ts';
import type { Position } from './loss.ts';
import { errorCode, reply } from './redis-error.ts';
import { loadScript, PARTS } from './scripts.ts';

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

const createScript = loadScript(new URL('./group-create.lua', import.meta.url));
const placeScript = loadScript(new URL('./group-place.lua', import.meta.url), PARTS.moveGroup);

/**
 * Makes a group at the stream's beginning where there is none; nothing is trimmed before a group has it. True if it was missing.
 */
export async function ensureGroup(redis: RedisClient, stream: string, group: string): Promise<boolean> {
  return (await createScript.run(redis, [stream], [group])) === 1;
}

/** A group of a claimed partition's stream, and the claim that is needed to move it. */
export interface ClaimedGroup {
  stream: string;
  group: string;
  claimKey: string;
  token: string;
}

/** Puts a group where its reader stands, and makes it again there if it is gone. Throws a FencedError when the claim is lost. */
export async function placeGroup(
  redis: RedisClient,
  { stream, group, claimKey, token }: ClaimedGroup,
  { lastId, entriesRead }: Position,
): Promise<void> {
  await placeScript.run(redis, [claimKey, stream], [token, group, lastId, entriesRead ?? '']);
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
    if (errorCode(error) === 'ERR') return [];
    return reply(Promise.reject(error), stream);
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

/** Where a group stands; `made` if it was missing, and is at the stream's beginning now. */
export async function positionOf(
  redis: RedisClient,
  stream: string,
  group: string,
): Promise<{ position: Position; made: boolean }> {
  const made = await ensureGroup(redis, stream, group);
  const info = (await groupsOf(redis, stream)).find((g) => g.name === group);
  // Gone in between: what is missing is told, and made, by the next look.
  if (info === undefined) return { position: { lastId: '0-0', entriesRead: 0 }, made };
  return { position: { lastId: info.last_delivered_id, entriesRead: info.entries_read }, made };
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
    return reply(Promise.reject(error), stream);
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

/** A sink as its groups need to know it. */
export interface SinkStreams {
  name: string;
  streams: readonly StreamKind[];
}

/** Which groups read a stream of this kind: the processors take logs; each sink takes the kinds it names. */
export function groupsThatRead(kind: StreamKind, sinks: readonly SinkStreams[]): string[] {
  const readers = sinks.filter((sink) => sink.streams.includes(kind)).map((sink) => sinkGroup(sink.name));
  return kind === 'log' ? [PROCESSOR_GROUP, ...readers] : readers;
}

/**
 * Makes every group that is missing.
 *
 * @param onForeign called for a stream in whose place somebody put something else: whoever works on that partition
 *   makes the group once it is a stream again, and until then nobody else need wait for it.
 */
export async function ensureGroups(
  redis: RedisClient,
  keys: Keys,
  partitions: number,
  sinks: readonly SinkStreams[],
  onForeign: (error: ForeignDataError) => void,
): Promise<void> {
  for (let partition = 0; partition < partitions; partition += 1) {
    for (const kind of STREAM_KINDS) {
      for (const group of groupsThatRead(kind, sinks)) {
        await ensureGroup(redis, keys.stream(partition, kind), group).catch((error: unknown) => {
          if (!(error instanceof ForeignDataError)) throw error;
          onForeign(error);
        });
      }
    }
  }
}
