import type { RedisClient } from '../../common/redis/connection.ts';
import type { Keys } from '../../common/redis/keys.ts';
import { reply } from '../../common/redis/redis-error.ts';
import { loadScript } from '../../common/redis/scripts.ts';
import { laneKeys } from './lane-keys.ts';
import type { Generation } from './lane-keys.ts';

const forgetScript = loadScript(new URL('./forget.lua', import.meta.url));

/** Fields that one look at a hash brings, about. */
const PAGE = 500;

export interface DirtyPage {
  /** Window → groups that have changed, and whether what was lost of it has. */
  windows: ReadonlyMap<number, { groups: string[]; losses: boolean }>;
  /** To be called when they were published; what has changed since stays. */
  forget: () => Promise<void>;
}

/** What a partition has changed of an insight since it was last published, page by page. */
export async function* readDirty(
  redis: RedisClient,
  keys: Keys,
  partition: number,
  generation: Generation,
): AsyncGenerator<DirtyPage> {
  const key = laneKeys(keys, partition, generation).dirty;
  for await (const page of scanHash(redis, key)) {
    const windows = new Map<number, { groups: string[]; losses: boolean }>();
    for (const [field] of page) {
      const tab = field.indexOf('\t');
      const window = Number(tab < 0 ? field : field.slice(0, tab));
      const known = windows.get(window) ?? { groups: [], losses: false };
      if (tab < 0) known.losses = true;
      else known.groups.push(field.slice(tab + 1));
      windows.set(window, known);
    }
    yield { windows, forget: () => forget(redis, key, page) };
  }
}

/** The fields of a hash with their values, page by page; one that is there all the while comes at least once. */
export function scanHash(redis: RedisClient, key: string): AsyncGenerator<[string, string][]> {
  return scanPairs((cursor) => reply(redis.hscan(key, cursor, 'COUNT', PAGE), key));
}

/** The members of a sorted set with their scores, as scanHash gives fields. */
export function scanScores(redis: RedisClient, key: string): AsyncGenerator<[string, string][]> {
  return scanPairs((cursor) => reply(redis.zscan(key, cursor, 'COUNT', PAGE), key));
}

async function* scanPairs(
  look: (cursor: string) => Promise<[string, string[]]>,
): AsyncGenerator<[string, string][]> {
  let cursor = '0';
  do {
    const [next, flat] = await look(cursor);
    const page: [string, string][] = [];
    for (let i = 0; i + 1 < flat.length; i += 2) page.push([flat[i] ?? '', flat[i + 1] ?? '']);
    // A small one comes as a whole, whatever was asked for.
    for (let at = 0; at < page.length; at += PAGE) yield page.slice(at, at + PAGE);
    cursor = next;
  } while (cursor !== '0');
}

/** Removes fields that still have these values. */
export async function forget(
  redis: RedisClient,
  key: string,
  page: readonly (readonly [string, string])[],
): Promise<void> {
  await forgetScript.run(redis, [key], page.flat());
}
