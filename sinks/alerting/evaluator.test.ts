import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { systemClock } from '../../common/clock.ts';
import { FencedError } from '../../common/errors.ts';
import { silentLogger } from '../../common/logger.ts';
import { createRegistry } from '../../common/metrics.ts';
import type { RedisClient } from '../../common/redis/connection.ts';
import { ensureGroup, PROCESSOR_GROUP } from '../../common/redis/groups.ts';
import { createKeys } from '../../common/redis/keys.ts';
import { startRedis } from '../../common/testing/redis-server.ts';
import type { TestRedis } from '../../common/testing/redis-server.ts';
import { until } from '../../common/testing/until.ts';
import { fieldOf } from './bucket-code.ts';
import { createBucketStore } from './bucket-store.ts';
import type { Channel } from './channels/channel.ts';
import type { AlertsConfig } from './config.ts';
import { evaluateAlerts } from './evaluator.ts';
import type { AlertMessage } from './message.ts';
import { createAlertMetrics } from './metrics.ts';
import { createSilenceStore } from './silences.ts';
import { createAlertStore } from './store.ts';
import { alertsConfig } from './testing/buckets.ts';

/** Who evaluates, on a real Redis with two partitions, and who takes over. */

const keys = createKeys('tranweave');
const GROUP = 'sink:alerts';
const RESOLUTION = 1000;
const PARTITIONS = 2;
const config = alertsConfig({
  resolution: '1s',
  channels: [{ name: 'log', type: 'log' }],
  rules: [{ name: 'f', type: 'failed', window: '10s', group_by: ['interface'] }],
});
let server: TestRedis;
let redis: RedisClient;
/** Start of a bucket some time ago: everything up to now is still to be evaluated. */
let start: number;
beforeAll(async () => {
  server = await startRedis();
  redis = await server.client();
});
afterAll(() => server.stop());
beforeEach(async () => {
  await redis.flushall();
  for (let partition = 0; partition < PARTITIONS; partition += 1) {
    for (const kind of ['summary', 'dead_letter', 'log'] as const)
      await ensureGroup(redis, keys.stream(partition, kind), kind === 'log' ? PROCESSOR_GROUP : GROUP);
  }
  start = Math.floor(systemClock.now() / RESOLUTION) * RESOLUTION - 300 * RESOLUTION;
});

const store = () => createAlertStore(redis, keys, RESOLUTION);
const failed = (partition: number, place: number, n: number) =>
  redis.hincrby(
    keys.alertBucket(partition, RESOLUTION, start + place * RESOLUTION),
    fieldOf('failed', ['order', 'hub', '', 'E1']),
    n,
  );

/** A log of that time is there, and no processor takes it until `goOn`. */
async function waitAt(place: number): Promise<void> {
  await redis.xadd(keys.stream(1, 'log'), `${start + place * RESOLUTION + 5}-1`, 'v', '1');
}
async function goOn(): Promise<void> {
  await redis.xgroup('SETID', keys.stream(1, 'log'), PROCESSOR_GROUP, '$');
}

interface Working {
  taken: AlertMessage[];
  troubles: Map<string, string>;
  turns: () => number;
  stop: () => Promise<void>;
  done: Promise<void>;
}

function work(epoch: number, more: Partial<AlertsConfig> = {}): Working {
  const taken: AlertMessage[] = [];
  const channel: Channel = {
    send: async (message) => {
      taken.push(message);
    },
    close: async () => undefined,
  };
  const troubles = new Map<string, string>();
  const stop = new AbortController();
  let turns = 0;
  const whole = { ...config, ...more };
  const done = evaluateAlerts(
    {
      config: whole,
      channels: whole.channels.map((one) => ({ config: one, channel })),
      store: store(),
      buckets: createBucketStore(redis, keys, RESOLUTION),
      silences: createSilenceStore(redis, keys),
      group: GROUP,
      partitions: PARTITIONS,
      clock: systemClock,
      logger: silentLogger(),
      metrics: createAlertMetrics(createRegistry('sinks')),
      troubles,
    },
    { partition: 0, token: `${epoch}:me`, signal: stop.signal },
    () => (turns += 1),
  );
  done.catch(() => undefined);
  return {
    taken,
    troubles,
    turns: () => turns,
    stop: async () => {
      stop.abort();
      await done;
    },
    done,
  };
}

/** As if everything before a bucket had been evaluated. */
async function evaluatedTo(place: number): Promise<void> {
  await store().take(1, []);
  await store().commit(1, start + place * RESOLUTION, { alerts: [], memories: {} }, []);
}

const inWords = ({ at, kind, count }: AlertMessage) => `${(at - start) / RESOLUTION} ${kind} ${count}`;

test('what was missed is caught up with, bucket by bucket, and told by its own time', async () => {
  await evaluatedTo(0);
  await failed(0, 20, 3);
  await failed(1, 20, 4);
  await failed(1, 250, 1);
  const one = work(2);
  await until('all is told', () => one.taken.length === 4);
  expect(one.taken.map(inWords)).toEqual(['21 firing 7', '31 resolved 7', '251 firing 1', '261 resolved 1']);
  expect(one.troubles.size).toBe(0);
  // What no window reaches any more is gone.
  const isThere = (place: number) =>
    redis.exists(keys.alertBucket(1, RESOLUTION, start + place * RESOLUTION));
  await until('it is dropped', async () => (await isThere(20)) === 0);
  await one.stop();
});

test('whoever takes over in the middle of a window goes on in it, and tells nothing twice', async () => {
  await evaluatedTo(0);
  await failed(0, 250, 3);
  await waitAt(255);
  const first = work(2);
  await until('it is told', () => first.taken.length === 1);
  const second = work(3);
  await until('the other one has begun', () => second.turns() > 0);
  await goOn();
  await expect(first.done).rejects.toThrow(FencedError);
  await until('it is over', () => second.taken.length === 1);
  expect([...first.taken, ...second.taken].map(inWords)).toEqual(['251 firing 3', '261 resolved 3']);
  await second.stop();
});

test('nothing is evaluated beyond what every partition has counted, and that is told after a minute', async () => {
  await evaluatedTo(0);
  await failed(0, 20, 3);
  await failed(0, 200, 3);
  await waitAt(100);
  const one = work(2);
  await until('the first is over', () => one.taken.length === 2);
  await until('it has looked again', () => one.turns() > 2);
  expect(one.taken.map(inWords)).toEqual(['21 firing 3', '31 resolved 3']);
  expect(one.troubles.get('')).toContain(
    'alerts wait for processors or sinks of some partition: counted up to ',
  );
  await goOn();
  await until('the others are told', () => one.taken.length === 4);
  await until('the trouble is over', () => one.troubles.size === 0);
  await one.stop();
});

test('rules begin when they are configured: what was counted before is none of theirs', async () => {
  await failed(0, 20, 3);
  const one = work(1);
  await until('it has begun', async () => ((await store().look()).next ?? 0) > start + 290 * RESOLUTION);
  await until('it has looked again', () => one.turns() > 2);
  expect(one.taken).toEqual([]);
  await one.stop();
});

test('without a channel nothing is kept for one', async () => {
  await evaluatedTo(0);
  await failed(0, 298, 3);
  const one = work(2, { channels: [] });
  await until('it fires', async () => ((await store().look()).state?.alerts.length ?? 0) === 1);
  expect(await redis.exists(keys.alertOutbox())).toBe(0);
  await one.stop();
});
