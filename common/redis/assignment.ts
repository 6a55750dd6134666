import { createHash } from 'node:crypto';

/**
 * Which replica should hold which partition: every replica computes the same answer from the same list of living replicas.
 * Rendezvous hashing (Thaler and Ravishankar, 1998) with a bound: pairs are granted from the highest weight down
 * while the replica has room, so that each holds floor(N/R) or ceil(N/R) and a change moves few partitions.
 */
export function assignPartitions(partitions: number, replicas: readonly string[]): Map<string, number[]> {
  const assigned = new Map(replicas.map((replica) => [replica, [] as number[]]));
  if (replicas.length === 0) return assigned;
  const floor = Math.floor(partitions / replicas.length);
  // So many replicas may hold one more than the others.
  let extra = partitions % replicas.length;
  const free = new Set(Array.from({ length: partitions }, (_, partition) => partition));
  for (const { replica, partition } of weightedPairs(partitions, replicas)) {
    const held = assigned.get(replica);
    if (held === undefined || !free.has(partition)) continue;
    if (held.length >= floor + (extra > 0 ? 1 : 0)) continue;
    if (held.length === floor) extra -= 1;
    held.push(partition);
    free.delete(partition);
  }
  for (const held of assigned.values()) held.sort((a, b) => a - b);
  return assigned;
}

function weightedPairs(partitions: number, replicas: readonly string[]) {
  const pairs = replicas.flatMap((replica) =>
    Array.from({ length: partitions }, (_, partition) => ({
      replica,
      partition,
      weight: createHash('sha1').update(`${replica}/${partition}`).digest('hex'),
    })),
  );
  return pairs.sort((a, b) => (a.weight < b.weight ? 1 : -1));
}
