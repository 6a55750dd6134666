import { setTimeout as delay } from 'node:timers/promises';
import { describeError } from '../../common/errors.ts';
import { untilReady } from '../../common/redis/connection.ts';
import { buildClientLibrary } from '../../common/testing/ibm-mq/client-library.ts';
import { startQueueServer } from '../../common/testing/ibm-mq/queue-server.ts';
import type { QueueServer } from '../../common/testing/ibm-mq/queue-server.ts';
import { until } from '../../common/testing/until.ts';
import { seededRandom } from '../../scripts/seeded-random.ts';
import type { RoleProcess } from '../support/landscape.ts';
import { openGround } from './ground.ts';
import type { Ground } from './ground.ts';
import { shuffle } from './plan.ts';
import { openStore } from './store.ts';
import type { Store } from './store.ts';

/**
 * A collector that gets messages and is killed again and again, connections that are lost, and a Redis that is restarted. Afterwards every message must have
 * been committed exactly once, be in the streams under exactly one event id and in the table once, and none may have been set aside.
 */
export interface MqOptions {
  messages: number;
  /** How often the collector is killed, all connections are lost, and Redis is restarted. */
  kills: number;
  lostConnections: number;
  redisRestarts: number;
  getters: number;
  partitions: number;
  /** Decides about what is done when. */
  seed: number;
  say: (text: string) => void;
  signal: AbortSignal;
}

export interface MqVerdict {
  kills: number;
  lostConnections: number;
  redisRestarts: number;
  /** How often a message came back to its queue. */
  cameBack: number;
  /** Rows in the streams beyond one for each message: appended, but the commit was lost. */
  repeated: number;
  /** What is not as it must be; empty if all is well. */
  differences: string[];
}

const QUEUE = 'TRACKING.LOG';
/** The collector has gone on after what was done to it, and something is under way again. */
const AT_WORK_MS_MAX = 60_000;
const SETTLE_MS_MAX = 180_000;
const REDIS_MS_MAX = 30_000;
/** A kill at any moment of a unit of work. */
const MOMENT_MS_MAX = 120;

type Deed = 'kills' | 'lostConnections' | 'redisRestarts';

export async function assaultMq(options: MqOptions): Promise<MqVerdict> {
  const { say, signal, partitions } = options;
  const library = await buildClientLibrary();
  await using server = await startQueueServer({ queues: { [QUEUE]: {} } });
  await using store = await openStore(seededRandom(options.seed));
  await using ground = await openGround(partitions, {
    inputs: [inputFor(server, library.dir, options)],
    collector: { stream_entries_max: 1_000_000 },
    sinks: [{ name: 'clickhouse', type: 'clickhouse', url: store.url, batch: { delay_max: '300ms' } }],
  });
  try {
    const done = await hurt(ground, server, options);
    signal.throwIfAborted();
    say('everything is put, the collector is up: waiting until the queue is empty');
    const differences = [...(await settle(server, options)), ...(await judge(ground, server, options))];
    const repeated = (await ground.streams.logs()).length - options.messages;
    // Not before: what is stored is trimmed away.
    await ground.start('sinks');
    differences.push(...(await judgeTable(store, options)));
    return { ...done, cameBack: server.cameBack(), repeated, differences };
  } finally {
    await library.remove();
  }
}

function inputFor(server: QueueServer, libraryDir: string, { getters }: MqOptions): object {
  return {
    type: 'ibm-mq',
    name: 'hub',
    connection: server.connectionName,
    channel: 'TRANWEAVE.SVRCONN',
    queues: [QUEUE],
    client_library_dir: libraryDir,
    getters,
    wait: '200ms',
    reconnect_delay_max: '500ms',
  };
}

/** Puts the messages in as many parts as there are deeds, and does each while its part is being taken. */
async function hurt(ground: Ground, server: QueueServer, options: MqOptions): Promise<Record<Deed, number>> {
  const random = seededRandom(options.seed);
  const deeds = planDeeds(options, random);
  const done = { kills: 0, lostConnections: 0, redisRestarts: 0 };
  let collector = await ground.start('collector');
  let put = 0;
  for (const [index, deed] of deeds.entries()) {
    options.signal.throwIfAborted();
    const putUntil = Math.round(((index + 1) / deeds.length) * options.messages);
    for (; put < putUntil; put += 1) server.put(QUEUE, messageOf(put));
    await until('messages are under way', () => server.uncommitted() > 0, AT_WORK_MS_MAX);
    await delay(random() * MOMENT_MS_MAX);
    collector = await perform(deed, ground, server, collector);
    done[deed] += 1;
  }
  return done;
}

async function perform(
  deed: Deed,
  ground: Ground,
  server: QueueServer,
  collector: RoleProcess,
): Promise<RoleProcess> {
  if (deed === 'lostConnections') {
    await server.dropConnections();
    return collector;
  }
  if (deed === 'redisRestarts') {
    await ground.redis.restart();
    await untilReady(ground.streams.redis, REDIS_MS_MAX);
    return collector;
  }
  collector.kill('SIGKILL');
  await collector.ended;
  return ground.start('collector');
}

function planDeeds({ kills, lostConnections, redisRestarts }: MqOptions, random: () => number): Deed[] {
  const deeds = [
    ...Array<Deed>(kills).fill('kills'),
    ...Array<Deed>(lostConnections).fill('lostConnections'),
    ...Array<Deed>(redisRestarts).fill('redisRestarts'),
  ];
  return shuffle(deeds, random);
}

/** A transaction for each message, so that its id says which message a log was. */
function messageOf(number: number): string {
  const event_time = '2026-01-31T09:15:00Z';
  return JSON.stringify({ transaction_id: `M${number}`, step: 'send', status: 'started', event_time });
}

async function settle(server: QueueServer, { messages }: MqOptions): Promise<string[]> {
  try {
    await until(
      'the queue is empty',
      () => server.depth(QUEUE) + server.uncommitted() === 0 && server.committed(QUEUE) >= messages,
      SETTLE_MS_MAX,
    );
    return [];
  } catch (error) {
    return [
      describeError(error),
      `${server.depth(QUEUE)} messages wait, ${server.uncommitted()} are under way, ${server.committed(QUEUE)} are committed`,
    ];
  }
}

async function judge(ground: Ground, server: QueueServer, { messages }: MqOptions): Promise<string[]> {
  const differences: string[] = [];
  const expect = (what: string, found: number, expected: number) => {
    if (found !== expected) differences.push(`${what}: ${found} where there must be ${expected}`);
  };
  const logs = await ground.streams.logs();
  const eventsOf = new Map<string, Set<string>>();
  for (const { transaction_id, event_id } of logs) {
    eventsOf.set(transaction_id, (eventsOf.get(transaction_id) ?? new Set()).add(event_id));
  }
  expect('messages in the streams', eventsOf.size, messages);
  expect('event ids', new Set(logs.map(({ event_id }) => event_id)).size, messages);
  expect('messages with several event ids', [...eventsOf.values()].filter(({ size }) => size > 1).length, 0);
  expect('messages committed', server.committed(QUEUE), messages);
  expect('dead letters', (await ground.streams.deadLetters()).length, 0);
  for (let number = 0; number < messages; number += 1)
    if (!eventsOf.has(`M${number}`)) differences.push(`message ${number} is lost`);
  return differences;
}

/** What was appended twice is one row. */
async function judgeTable(store: Store, { messages }: MqOptions): Promise<string[]> {
  const count = async () => {
    const [row] = await store.rows<{ rows: number; ids: number }>(
      'SELECT count() AS rows, uniqExact(transaction_id) AS ids FROM tranweave.tracking_log FINAL',
    );
    return row ?? { rows: 0, ids: 0 };
  };
  const isThere = async () =>
    (await store.rows("SELECT 1 FROM system.tables WHERE database = 'tranweave' AND name = 'tracking_log'"))
      .length > 0;
  try {
    await until('the table is there', isThere, SETTLE_MS_MAX);
    await until('every message is in the table', async () => (await count()).ids >= messages, SETTLE_MS_MAX);
  } catch (error) {
    return [describeError(error)];
  }
  const { rows } = await count();
  return rows === messages ? [] : [`rows in the table: ${rows} where there must be ${messages}`];
}
