import { groupsOf, PROCESSOR_GROUP } from '../common/redis/groups.ts';
import type { Lab, RunningRole } from './lab.ts';
import { collect, emptyRedis } from './load.ts';
import type { Load } from './load.ts';
import { isDrained, keys } from './streams.ts';
import { until } from './until.ts';

/** For labs whose processors sleep: claims and commands outlast a nap, and streams hold the whole backlog. Heartbeats are as by default. */
export const NAP_CONFIG = {
  redis: { command_timeout: '10m' },
  claims: { ttl: '10m', heartbeat: '2s' },
  collector: { stream_entries_max: 1_000_000 },
  processor: { summary_entries_max: 1_000_000 },
};

/**
 * So many processors, warmed up by one load, asleep (SIGSTOP) before the whole of another, each with its share of the partitions: when they wake
 * they merge and do nothing else.
 */
export async function asleepBefore(
  lab: Lab,
  count: number,
  warmUp: Load,
  load: Load,
): Promise<RunningRole[]> {
  await emptyRedis(lab);
  const processors = await Promise.all(Array.from({ length: count }, () => lab.start('processor')));
  await until('the processors share the partitions', () => isShared(lab, count));
  await collect(lab, warmUp, 'warm');
  await until('the warm-up is merged', () => isDrained(lab, PROCESSOR_GROUP));
  for (const processor of processors) processor.signal('SIGSTOP');
  await collect(lab, load, 'load');
  return processors;
}

/** Whether so many processors hold all partitions, each as many as the others. */
export async function isShared(lab: Lab, count: number): Promise<boolean> {
  const tokens = await lab.redisClient.mget(
    Array.from({ length: lab.partitions }, (_, partition) => keys.claim(partition, PROCESSOR_GROUP)),
  );
  const shares = new Map<string, number>();
  for (const token of tokens) {
    // `epoch:replica`
    const replica = token?.slice(token.indexOf(':') + 1);
    if (replica === undefined) return false;
    shares.set(replica, (shares.get(replica) ?? 0) + 1);
  }
  return shares.size === count && [...shares.values()].every((share) => share === lab.partitions / count);
}

/** Whether the processors are at the end of some partition. */
export async function isSomeDrained(lab: Lab): Promise<boolean> {
  for (let partition = 0; partition < lab.partitions; partition += 1) {
    const groups = await groupsOf(lab.redisClient, keys.stream(partition, 'log'));
    if (groups.some(({ name, lag }) => name === PROCESSOR_GROUP && lag === 0)) return true;
  }
  return false;
}
