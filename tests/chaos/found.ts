import { createKeys } from '../../common/redis/keys.ts';
import { partitionOf } from '../../common/partition.ts';
import { decodeRecord } from '../../processor/stored-record.ts';
import type { TransactionRecord } from '../../processor/transaction-record.ts';
import type { Ground } from './ground.ts';
import type { Found } from './judge.ts';

const keys = createKeys('tranweave');
const IDS_A_READ = 1_000;

/** Everything that Redis holds of these transactions, and every revision in the summary streams. */
export async function readFound({ streams, partitions }: Ground, ids: readonly string[]): Promise<Found> {
  const watched = new Set<string>();
  for (let partition = 0; partition < partitions; partition += 1) {
    for (const id of await streams.redis.zrange(keys.deadlines(partition), '0', '-1')) watched.add(id);
  }
  const records = new Map<string, TransactionRecord>();
  for (let at = 0; at < ids.length; at += IDS_A_READ) {
    const part = ids.slice(at, at + IDS_A_READ);
    const places = part.map((id) => keys.transaction(partitionOf(id, partitions), id));
    const found = await streams.redis.mget(places);
    part.forEach((id, index) => {
      const json = found[index];
      if (typeof json === 'string') records.set(id, decodeRecord(json, places[index] ?? ''));
    });
  }
  return { revisions: await streams.summaries(), records, watched };
}

/** Whether the processors have taken everything, and no deadline is due before `untilMs` (since 1970). */
export async function isSettled({ streams, partitions }: Ground, untilMs: number): Promise<boolean> {
  for (let partition = 0; partition < partitions; partition += 1) {
    const groups = (await streams.redis.xinfo('GROUPS', keys.stream(partition, 'log'))) as unknown[][];
    const lag = groups[0]?.[groups[0].indexOf('lag') + 1];
    if (lag !== 0) return false;
    if ((await streams.redis.zcount(keys.deadlines(partition), '-inf', untilMs)) > 0) return false;
  }
  return true;
}

/** How often a script refused somebody whose claim was another's, as Redis counts its error replies. */
export async function fencedRefusals({ streams }: Ground): Promise<number> {
  return Number(/errorstat_FENCED:count=(\d+)/.exec(await streams.redis.info('errorstats'))?.[1] ?? 0);
}
