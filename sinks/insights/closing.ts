import { loadScript } from '../../common/redis/scripts.ts';
import { reply } from '../../common/redis/redis-error.ts';
import type { Combining } from './combiner.ts';
import { combine } from './combine.ts';
import { scanHash } from './dirty.ts';
import { laneKeys } from './lane-keys.ts';
import type { Generation } from './lane-keys.ts';
import { windowText } from './rows.ts';
import type { WindowRecord } from './rows.ts';
import { lossesOf, readRecord } from './window-records.ts';

const closeScript = loadScript(new URL('./close.lua', import.meta.url));

/** Groups that are published at a time. */
const CHUNK = 500;

/**
 * When a window's time is over, ms since 1970 by the streams' time: its end, or when its first transaction came if that is later (history that is
 * collected afterwards is counted too), and the lateness.
 */
export function closesAt(
  { windows, latenessMs }: Generation['definition'],
  window: number,
  firstSeen: number,
): number {
  return Math.max(windows(window).end, firstSeen) + latenessMs;
}

/**
 * Closes windows for good: in every partition, then for whoever reads the results, then what it took is put away. A window whose record says final has been
 * published; whoever finds parts of it puts those away and no more, since others may be gone.
 */
export async function closeWindows(
  combining: Combining,
  generation: Generation,
  due: readonly number[],
  countedTo: number,
): Promise<void> {
  const { redis, keys, partitions, fence, metrics, signal } = combining;
  const { definition } = generation;
  const closed = due.flatMap((window) => [window, definition.windows(window).end]);
  const forgotten = countedTo - definition.historyMs;
  await Promise.all(
    Array.from({ length: partitions }, (_, partition) =>
      closeScript.run(
        redis,
        [keys.insightLane(partition), laneKeys(keys, partition, generation).closed],
        [fence, forgotten, ...closed],
      ),
    ),
  );
  for (const window of due) {
    const record = await readRecord(combining, generation, window);
    if (record.state === 'open') await publishFinal(combining, generation, window, record);
    await putAway(combining, generation, window);
    metrics.closed.inc({ insight: definition.name });
    if (signal.aborted) return;
  }
  combining.sweeper.windowsClosed();
}

async function publishFinal(
  combining: Combining,
  generation: Generation,
  window: number,
  record: WindowRecord,
): Promise<void> {
  const { redis, keys, partitions, clock, publisher, metrics } = combining;
  const groups = await allGroups(combining, generation, window);
  const totals = { groups: 0, transactions: 0 };
  const publish = async (chunk: readonly string[], last: boolean) => {
    const now = clock.now();
    const combined = await combine(redis, keys, partitions, generation, window, chunk);
    for (const { partial } of combined.values()) {
      totals.groups += Number(partial.transactions > 0);
      totals.transactions += partial.transactions;
    }
    // The record turns final with the last message: whoever finds it open begins again.
    if (last) {
      const losses = await lossesOf(combining, generation, window);
      Object.assign(record, totals, losses, { state: 'final', closed_at: now });
    }
    const rows = await publisher.publish({
      generation,
      window,
      record,
      rowState: 'final',
      groups: combined,
      tellWindow: last,
      now,
    });
    metrics.published.inc({ insight: generation.definition.name }, rows);
  };
  for (let at = 0; at < groups.length; at += CHUNK) await publish(groups.slice(at, at + CHUNK), false);
  await publish([], true);
}

/** Those that have transactions in any partition, and those that had some when they were published last. */
async function allGroups(
  { redis, keys, partitions }: Combining,
  generation: Generation,
  window: number,
): Promise<string[]> {
  const { definition } = generation;
  const lookup = keys.insightLookup(definition.name, windowText(definition, window));
  const published = await reply(redis.hkeys(lookup), lookup);
  const groups = new Set(published.filter((field) => !field.startsWith('@')));
  for (let partition = 0; partition < partitions; partition += 1) {
    const key = laneKeys(keys, partition, generation).groups(window);
    for await (const page of scanHash(redis, key)) for (const [group] of page) groups.add(group);
  }
  return [...groups];
}

/** What a closed window took in the partitions; its entry among the windows goes last, so that nothing is left of it if this is interrupted. */
async function putAway(
  { redis, keys, partitions }: Combining,
  generation: Generation,
  window: number,
): Promise<void> {
  const withValues = generation.definition.inputs.flatMap((input, index) => (input.values ? [index] : []));
  for (let partition = 0; partition < partitions; partition += 1) {
    const lane = laneKeys(keys, partition, generation);
    const key = lane.groups(window);
    for await (const page of scanHash(redis, key)) {
      const values = page.flatMap(([group]) => withValues.map((input) => lane.values(window, input, group)));
      if (values.length > 0) await reply(redis.unlink(...values), ...values);
    }
    await reply(redis.unlink(key), key);
    await reply(redis.hdel(lane.windows, String(window)), lane.windows);
  }
}
