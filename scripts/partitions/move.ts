import { partitionOf } from '../../common/partition.ts';
import type { RedisClient } from '../../common/redis/connection.ts';
import { PROCESSOR_GROUP } from '../../common/redis/groups.ts';
import type { Keys } from '../../common/redis/keys.ts';
import { scanKeys } from '../../common/redis/scan.ts';
import { loadScript } from '../../common/redis/scripts.ts';
import type { Hold } from './hold.ts';

/**
 * Moves every transaction to the partition that it belongs to when there are so many of them, with its deadline and its time to live.
 * Put there first and taken away here after: whenever this is interrupted, each is in at least one place, with the same content,
 * and the same again, or the same for the number that was before, ends it well. Nothing else may change transactions meanwhile.
 *
 * One pass that moves, rather than a copy of all and a switch: Redis need not have room for everything twice.
 */
export interface MoveDeps {
  redis: RedisClient;
  keys: Keys;
  hold: Hold;
  /** Ends it: the rest stays where it is. */
  stopping: AbortSignal;
  /** Called with how many were moved now. */
  onMoved: (count: number) => void;
}

const readScript = loadScript(new URL('./records-read.lua', import.meta.url));
const putScript = loadScript(new URL('./records-put.lua', import.meta.url));
const dropScript = loadScript(new URL('./records-drop.lua', import.meta.url));

/** Throws a FencedError when the claims are lost and a RetriableError when Redis is away. */
export async function moveTransactions(deps: MoveDeps, partitions: number): Promise<void> {
  const { redis, keys, stopping, onMoved } = deps;
  for await (const page of scanKeys(redis, keys.transactionsMatch())) {
    if (stopping.aborted) return;
    const strays = straysOf(keys, page, partitions);
    await Promise.all([...strays].map(([from, ids]) => moveOut(deps, from, ids, partitions)));
    onMoved([...strays.values()].reduce((sum, ids) => sum + ids.length, 0));
  }
}

/** Ids of the transactions that are not where they belong, by the partition that has them. */
function straysOf(keys: Keys, page: readonly string[], partitions: number): Map<number, string[]> {
  const strays = new Map<number, string[]>();
  for (const key of page) {
    const found = keys.parseTransaction(key);
    if (found === undefined || partitionOf(found.id, partitions) === found.partition) continue;
    const ids = strays.get(found.partition);
    if (ids === undefined) strays.set(found.partition, [found.id]);
    else ids.push(found.id);
  }
  return strays;
}

interface MovedRecord {
  id: string;
  record: Buffer;
  expiresAt: number;
  deadline: Buffer | null;
}

async function moveOut(
  deps: MoveDeps,
  from: number,
  ids: readonly string[],
  partitions: number,
): Promise<void> {
  const byTarget = new Map<number, MovedRecord[]>();
  for (const found of await read(deps, from, ids)) {
    const target = partitionOf(found.id, partitions);
    const records = byTarget.get(target);
    if (records === undefined) byTarget.set(target, [found]);
    else records.push(found);
  }
  await Promise.all([...byTarget].map(([target, records]) => put(deps, target, records)));
  await drop(deps, from, ids);
}

async function read({ redis, keys }: MoveDeps, from: number, ids: readonly string[]): Promise<MovedRecord[]> {
  const found = (await readScript.run(
    redis,
    [keys.deadlines(from), ...ids.map((id) => keys.transaction(from, id))],
    ids,
  )) as [Buffer | null, number, Buffer | null][];
  return found.flatMap(([record, expiresAt, deadline], index) =>
    // Some expire between the scan and this.
    record === null ? [] : [{ id: ids[index] ?? '', record, expiresAt, deadline }],
  );
}

async function put(
  { redis, keys, hold }: MoveDeps,
  target: number,
  records: readonly MovedRecord[],
): Promise<void> {
  await putScript.run(
    redis,
    [
      keys.claim(target, PROCESSOR_GROUP),
      keys.deadlines(target),
      ...records.map(({ id }) => keys.transaction(target, id)),
    ],
    [
      hold.token(target),
      ...records.flatMap(({ id, record, expiresAt, deadline }) => [id, record, expiresAt, deadline ?? '']),
    ],
  );
}

async function drop({ redis, keys, hold }: MoveDeps, from: number, ids: readonly string[]): Promise<void> {
  await dropScript.run(
    redis,
    [keys.claim(from, PROCESSOR_GROUP), keys.deadlines(from), ...ids.map((id) => keys.transaction(from, id))],
    [hold.token(from), ...ids],
  );
}
