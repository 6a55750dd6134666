import { Redis } from 'ioredis';
import { createClients } from './redis-clients.ts';
import type { TestRedisClients } from './redis-clients.ts';
import { freePort, startRedis } from './redis-server.ts';
import type { TestRedis } from './redis-server.ts';
import { until } from './until.ts';

/** A real Redis Cluster of a test's own, on loopback: masters with a replica each, all slots assigned. */
export interface TestRedisCluster extends AsyncDisposable, Pick<TestRedisClients, 'client'> {
  nodes: readonly ClusterNode[];
  /** `host:port` of every node, as `redis.cluster` of the config wants them. */
  addresses: string[];
  /** The node that serves the key's slot now. */
  masterOf(key: string): Promise<ClusterNode>;
  replicaOf(master: ClusterNode): Promise<ClusterNode>;
  /** Moves the slot of a key, with all the keys in it, to another master, step by step while it is used, as redis-cli does. */
  moveSlot(key: string, to: ClusterNode): Promise<void>;
  /**
   * Ends a master with SIGKILL; resolves when its replica serves its slots and every living node knows.
   *
   * @param unreplicated what is done right before, while the replica is cut off: the new master lacks what it changed.
   */
  failOver(master: ClusterNode, unreplicated?: () => Promise<void>): Promise<void>;
  /** Starts a node again that `failOver` ended; resolves when it follows who took its place. */
  revive(node: ClusterNode): Promise<void>;
  /** Ends every node. Safe twice. */
  stop(): Promise<void>;
}

export interface ClusterNode {
  id: string;
  server: TestRedis;
  /** A connection to this node alone. */
  redis: Redis;
  /** Where nodes talk to one another. */
  busPort: number;
  /** Until `failOver` has killed it. */
  alive: boolean;
}

export interface TestRedisClusterOptions {
  masters?: number;
  /** Extra words for every node's command line. */
  extraArgs?: readonly string[];
}

const SLOTS = 16_384;
/** Short, so that a failover comes soon; not so short that a busy machine causes one. */
const NODE_TIMEOUT_MS = 1_500;
/** Keys that are moved at a time. */
const KEYS_A_STEP = 10;
const MIGRATE_MS_MAX = 5_000;

export async function startRedisCluster(options: TestRedisClusterOptions = {}): Promise<TestRedisCluster> {
  const { masters = 3, extraArgs = [] } = options;
  const nodes: ClusterNode[] = [];
  let clients: TestRedisClients | undefined;
  const stop = async () => {
    clients?.disconnect();
    for (const { redis } of nodes) redis.disconnect();
    // A replica that has just been synced refuses to end by SIGTERM, and a master waits for its replicas.
    await Promise.all(nodes.map(({ server }) => server.kill()));
    await Promise.all(nodes.map(({ server }) => server.stop()));
  };
  try {
    for (let i = 0; i < 2 * masters; i += 1) nodes.push(await startNode(extraArgs));
    await form(nodes.slice(0, masters), nodes.slice(masters));
  } catch (error) {
    await stop();
    throw error;
  }
  const addresses = nodes.map(({ server }) => `127.0.0.1:${server.port}`);
  clients = createClients({ cluster: addresses });
  return {
    nodes,
    addresses,
    client: clients.client,
    masterOf: (key) => masterOf(nodes, key),
    replicaOf: (master) => replicaOf(nodes, master),
    moveSlot: (key, to) => moveSlot(nodes, key, to),
    failOver: (master, unreplicated) => failOver(nodes, master, unreplicated),
    revive,
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

async function startNode(extraArgs: readonly string[]): Promise<ClusterNode> {
  // By itself the bus would be 10,000 above the other port, where it may be taken or above 65,535.
  const busPort = await freePort();
  const settings = {
    'cluster-enabled': 'yes',
    'cluster-port': busPort,
    'cluster-node-timeout': NODE_TIMEOUT_MS,
    // A replica may take over however long it was away, and gets its copy at once.
    'cluster-replica-validity-factor': 0,
    'repl-diskless-sync-delay': 0,
  };
  const words = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const server = await startRedis({ extraArgs: [...words, ...extraArgs] });
  const redis = connect(server);
  return { id: await redis.cluster('MYID'), server, redis, busPort, alive: true };
}

function connect({ port }: TestRedis): Redis {
  const redis = new Redis(port, '127.0.0.1', { protocol: 2, retryStrategy: () => null });
  // Nodes are killed on purpose.
  redis.on('error', () => undefined);
  return redis;
}

/** Makes a Cluster of empty nodes: one replica for each master. */
async function form(masters: readonly ClusterNode[], replicas: readonly ClusterNode[]): Promise<void> {
  const nodes = [...masters, ...replicas];
  const [first, ...others] = nodes;
  for (const [index, { redis }] of nodes.entries()) await redis.cluster('SET-CONFIG-EPOCH', index + 1);
  for (const [index, { redis }] of masters.entries()) {
    const from = Math.ceil((SLOTS * index) / masters.length);
    const to = Math.ceil((SLOTS * (index + 1)) / masters.length) - 1;
    await redis.cluster('ADDSLOTSRANGE', from, to);
  }
  for (const { server, busPort } of others) {
    await first?.redis.cluster('MEET', '127.0.0.1', server.port, busPort);
  }
  await until('every node knows every other', () =>
    every(nodes, 'CLUSTER INFO', `known_nodes:${nodes.length}`),
  );
  for (const [index, { redis }] of replicas.entries()) {
    await redis.cluster('REPLICATE', masters[index]?.id ?? '');
  }
  await until('every replica follows', () => every(replicas, 'INFO replication', 'master_link_status:up'));
  await until('every node knows who follows whom', async () => {
    const views = await Promise.all(nodes.map(({ redis }) => redis.cluster('NODES')));
    return views.every((view) => [...String(view).matchAll(/slave /g)].length === replicas.length);
  });
  await until('every slot is served', () => every(nodes, 'CLUSTER INFO', 'cluster_state:ok'));
}

async function every(nodes: readonly ClusterNode[], question: string, part: string): Promise<boolean> {
  const [command = '', ...args] = question.split(' ');
  const answers = await Promise.all(nodes.map(({ redis }) => redis.call(command, ...args)));
  return answers.every((answer) => String(answer).includes(part));
}

function living(nodes: readonly ClusterNode[]): ClusterNode[] {
  return nodes.filter(({ alive }) => alive);
}

/** Ids of the masters that a node takes for those of the slots from `from` to `to`. */
async function mastersSeenBy({ redis }: ClusterNode, from: number, to: number): Promise<string[]> {
  const ranges = await redis.cluster('SLOTS');
  return ranges.filter(([first, last]) => first <= to && from <= last).map((range) => range[2]?.[2] ?? '');
}

async function masterOf(nodes: readonly ClusterNode[], key: string): Promise<ClusterNode> {
  for (const node of living(nodes)) {
    const slot = await node.redis.cluster('KEYSLOT', key);
    const [id] = await mastersSeenBy(node, slot, slot);
    const master = living(nodes).find((other) => other.id === id);
    if (master !== undefined) return master;
  }
  throw new Error(`nobody serves the slot of ${key}`);
}

/** https://redis.io/docs/latest/commands/cluster-setslot/#redis-cluster-live-resharding-explained */
async function moveSlot(nodes: readonly ClusterNode[], key: string, to: ClusterNode): Promise<void> {
  const from = await masterOf(nodes, key);
  if (from === to) return;
  const slot = await from.redis.cluster('KEYSLOT', key);
  await to.redis.cluster('SETSLOT', slot, 'IMPORTING', from.id);
  await from.redis.cluster('SETSLOT', slot, 'MIGRATING', to.id);
  for (;;) {
    const keys = await from.redis.cluster('GETKEYSINSLOT', slot, KEYS_A_STEP);
    if (keys.length === 0) break;
    await from.redis.migrate('127.0.0.1', to.server.port, '', 0, MIGRATE_MS_MAX, 'KEYS', ...keys);
  }
  // The new master first, so that there always is one.
  for (const { redis } of [to, from, ...living(nodes).filter((node) => node !== to && node !== from)]) {
    // A replica hears of it from its master.
    if (/^role:master/m.test(await redis.info('replication')))
      await redis.cluster('SETSLOT', slot, 'NODE', to.id);
  }
  // Moved on before every node knows the new master's epoch, the slot would have two masters of the same one, for good.
  await until('every node knows that the slot has moved', async () => {
    const views = await Promise.all(living(nodes).map((node) => viewOf(node, slot, to)));
    return new Set(views).size === 1 && views[0]?.startsWith(`${to.id} `) === true;
  });
}

/** The master of a slot and the epoch of a node, as another sees them. */
async function viewOf(node: ClusterNode, slot: number, of: ClusterNode): Promise<string> {
  const [id] = await mastersSeenBy(node, slot, slot);
  const line = String(await node.redis.cluster('NODES'))
    .split('\n')
    .find((line) => line.startsWith(of.id));
  return `${id} ${line?.split(' ')[6]}`;
}

async function replicaOf(nodes: readonly ClusterNode[], master: ClusterNode): Promise<ClusterNode> {
  const replicas = String(await master.redis.cluster('REPLICAS', master.id));
  const replica = nodes.find((node) => node !== master && replicas.includes(node.id));
  if (replica === undefined) throw new Error('the master has no replica');
  return replica;
}

async function failOver(
  nodes: readonly ClusterNode[],
  master: ClusterNode,
  unreplicated?: () => Promise<void>,
): Promise<void> {
  const replica = await replicaOf(nodes, master);
  if (unreplicated !== undefined) {
    // Paused, it cannot connect again.
    replica.server.pause();
    await master.redis.client('KILL', 'TYPE', 'REPLICA');
    await unreplicated();
  }
  master.alive = false;
  master.redis.disconnect();
  await master.server.kill();
  replica.server.resume();
  await until('the replica has taken over', async () => {
    const seen = await Promise.all(living(nodes).map((node) => mastersSeenBy(node, 0, SLOTS)));
    return (
      seen.every((ids) => !ids.includes(master.id)) &&
      (await every(living(nodes), 'CLUSTER INFO', 'cluster_state:ok'))
    );
  });
}

async function revive(node: ClusterNode): Promise<void> {
  await node.server.restart();
  node.redis = connect(node.server);
  node.alive = true;
  await until('it follows the new master', () => every([node], 'INFO replication', 'master_link_status:up'));
}
