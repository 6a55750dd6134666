import { Cluster, Command } from 'ioredis';
import type { Redis, RedisOptions } from 'ioredis';
import { RetriableError } from '../errors.ts';
import type { Logger } from '../logger.ts';
import { joinWrites } from './joined-writes.ts';

/**
 * A Redis Cluster as one client: every command goes to the master that has its keys' slot, and follows the slot when it moves.
 *
 * What ioredis would do by itself is limited to what cannot change the order of commands. It follows MOVED and ASK, and repeats what was
 * answered with TRYAGAIN for less time than a command has, since all of these were not executed. It repeats nothing after a lost
 * connection, and keeps nothing for a node that cannot be reached: such a command could take effect after its sender gave it up,
 * and undo what the sender did since. A silent node's connection is ended for the same reason: a late MOVED would send an
 * old command to the new master.
 */

/** Options of one connection; the shape of replies is set by `protocol` alone. */
export type NodeOptions = Omit<RedisOptions, 'replyMapping'>;

export interface Address {
  host: string;
  port: number;
}

/** How often the table of slots is read anew, to notice a failover of a node that answers nobody. */
const SLOTS_REFRESH_MS = 2_000;
/** How long one node may take to tell the table before the next is asked. */
const SLOTS_TIMEOUT_MS = 1_000;
/** Redirections that a command may be sent through; those of a TRYAGAIN count twice. */
const REDIRECTIONS_MAX = 16;
const TRYAGAIN_DELAY_MS_MAX = 100;

/**
 * Connects in the background, to every node as soon as it is known: commands to a node fail at once until its connection is made.
 *
 * @param commandMs how long a command may take.
 * @param reconnectMs pause before another attempt when no node could be reached.
 */
export function createCluster(
  nodes: readonly Address[],
  options: NodeOptions,
  commandMs: number,
  reconnectMs: (attempt: number) => number,
  logger: Logger,
): Cluster {
  const cluster = new Cluster([...nodes], {
    redisOptions: { ...options, commandTimeout: commandMs, socketTimeout: commandMs },
    clusterRetryStrategy: reconnectMs,
    enableOfflineQueue: false,
    enableReadyCheck: true,
    scaleReads: 'master',
    maxRedirections: REDIRECTIONS_MAX,
    retryDelayOnMoved: 0,
    retryDelayOnFailover: 0,
    retryDelayOnClusterDown: 0,
    retryDelayOnTryAgain: Math.min(TRYAGAIN_DELAY_MS_MAX, commandMs / REDIRECTIONS_MAX),
    slotsRefreshTimeout: SLOTS_TIMEOUT_MS,
  });
  refreshSlots(cluster);
  const down = new Set<string>();
  cluster.on('+node', (node: Redis) => {
    joinWrites(node);
    node.on('ready', () => {
      if (down.delete(addressOf(node))) logger.info({ node: addressOf(node) }, 'redis node is back');
    });
    // Its errors are told as `node error`.
    if (node.status === 'wait') node.connect().catch(() => undefined);
  });
  cluster.on('node error', (error: Error, node: string) => {
    // One line per outage, not one per attempt.
    if (!down.has(node)) logger.warn({ node, error: error.message }, 'redis node failed; trying again');
    down.add(node);
  });
  return cluster;
}

/** Not by `slotsRefreshInterval`: that goes on for ever if the client is ended while it reads the table, and keeps the process. */
function refreshSlots(cluster: Cluster): void {
  const timer = setInterval(() => {
    if (cluster.status === 'ready') cluster.refreshSlotsCache();
  }, SLOTS_REFRESH_MS);
  timer.unref();
  cluster.once('end', () => clearInterval(timer));
}

function addressOf({ options }: Redis): string {
  return `${options.host}:${options.port}`;
}

/** Resolves when every node that is known is either connected or known to be down; within a command's time. */
export async function untilNodesSettled(cluster: Cluster): Promise<void> {
  await Promise.allSettled(cluster.nodes('all').map((node) => node.ping()));
}

/** Every master that has slots. Throws a RetriableError while one of them is not connected: the others alone are not all. */
export function mastersOfCluster(cluster: Cluster): Redis[] {
  const nodes = new Map(cluster.nodes('all').map((node) => [addressOf(node), node]));
  // Slots that nobody serves are holes.
  const addresses = new Set(cluster.slots.map((serving) => serving[0] ?? ''));
  if (addresses.size === 0) throw new RetriableError('the Redis Cluster is not known yet');
  return [...addresses].map((address) => {
    const node = nodes.get(address);
    if (node?.status === 'ready') return node;
    throw new RetriableError(`the Redis node ${address} cannot be reached`);
  });
}

/** The master of a key's slot, as far as the client knows. Undefined while nobody serves the slot. */
export function masterOf(cluster: Cluster, key: string): Address | undefined {
  const node = cluster.slots[new Command('get', [key]).getSlot() ?? -1]?.[0];
  return node === undefined ? undefined : parseAddress(node);
}

/** @param text `host:port`. */
export function parseAddress(text: string): Address {
  const at = text.lastIndexOf(':');
  return { host: text.slice(0, at), port: Number(text.slice(at + 1)) };
}
