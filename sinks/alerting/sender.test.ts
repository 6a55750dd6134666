import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { Clock } from '../../common/clock.ts';
import { systemClock } from '../../common/clock.ts';
import { FencedError, PermanentError, RetriableError } from '../../common/errors.ts';
import { silentLogger } from '../../common/logger.ts';
import { createRegistry } from '../../common/metrics.ts';
import type { RedisClient } from '../../common/redis/connection.ts';
import { createKeys } from '../../common/redis/keys.ts';
import { startRedis } from '../../common/testing/redis-server.ts';
import type { TestRedis } from '../../common/testing/redis-server.ts';
import { until } from '../../common/testing/until.ts';
import type { Channel } from './channels/channel.ts';
import type { ChannelConfig } from './channels/registry.ts';
import type { AlertMessage } from './message.ts';
import { createAlertMetrics } from './metrics.ts';
import { runSender } from './sender.ts';
import { createAlertStore } from './store.ts';
import { testMessage } from './test-message.ts';

/** Channels on their way through a real outbox. */

const keys = createKeys('tranweave');
/** Pauses are short. */
const clock: Clock = {
  now: () => systemClock.now(),
  sleep: (ms, signal) => systemClock.sleep(Math.min(ms, 5), signal),
};
let server: TestRedis;
let redis: RedisClient;
let stop: AbortController;
beforeAll(async () => {
  server = await startRedis();
  redis = await server.client();
});
afterAll(() => server.stop());
beforeEach(async () => {
  await redis.flushall();
  stop = new AbortController();
});

const store = () => createAlertStore(redis, keys, 10_000);
const say = async (...messages: AlertMessage[]) =>
  store().commit(1, 10_000, { alerts: [], memories: {} }, messages);
const message = (i: number, channels: string[] = []): AlertMessage => ({
  ...testMessage(i, `m${i}`),
  channels,
});

/** A channel that does what `send` does, and the ids that it has taken. */
async function start(
  name: string,
  send: (id: string) => Promise<void> | void,
  more: Partial<ChannelConfig> = {},
) {
  const taken: string[] = [];
  const troubles: (string | undefined)[] = [];
  const registry = createRegistry('sinks');
  const channel: Channel = {
    send: async ({ id }) => {
      await send(id);
      taken.push(id);
    },
    close: async () => undefined,
  };
  const { positions } = await store().take(1, ['a', 'b']);
  const running = (signal: AbortSignal) =>
    runSender(
      {
        config: { name, give_up_after: 3_600_000, type: 'log', language: 'en', ...more } as ChannelConfig,
        channel,
        store: store(),
        fence: 1,
        names: ['a', 'b'],
        firing: () => [],
        clock,
        logger: silentLogger(),
        metrics: createAlertMetrics(registry),
        onTrouble: (words) => troubles.push(words),
      },
      positions.get(name)!,
      signal,
    );
  const outcomes = async () => {
    const values = (await registry.getSingleMetric('tranweave_alert_messages_total')!.get()).values;
    return values.map(({ labels, value }) => `${labels['outcome']} ${value}`);
  };
  return { taken, troubles, outcomes, running };
}

test('each channel gets its own messages in order, and one that is down delays no other', async () => {
  let isAway = true;
  const a = await start('a', () => {
    if (isAway) throw new RetriableError('nobody is there');
  });
  const b = await start('b', () => undefined);
  const running = [a.running(stop.signal), b.running(stop.signal)];
  await say(message(1), message(2, ['b']), message(3, ['a']), message(4));
  await until('the other one has all', () => b.taken.length === 3);
  await until('the trouble is seen', async () => (await store().troubles()).has('a'));
  expect((await store().troubles()).get('a')?.words).toBe('nobody is there');
  expect([a.taken, b.taken]).toEqual([[], ['m1', 'm2', 'm4']]);
  isAway = false;
  await until('it has its own', () => a.taken.length === 3);
  expect(a.taken).toEqual(['m1', 'm3', 'm4']);
  await until('the trouble is over', async () => (await store().troubles()).size === 0);
  await until('nothing is left', async () => (await redis.xlen(keys.alertOutbox())) === 0);
  expect(a.troubles.at(-1)).toBeUndefined();
  stop.abort();
  await Promise.all(running);
});

test('a message that is refused for ever is left out, and counted', async () => {
  const a = await start('a', (id) => {
    if (id === 'm1') throw new PermanentError('no such ticket queue');
  });
  const running = a.running(stop.signal);
  await say(message(1), message(2));
  await until('the next one is taken', () => a.taken.length === 1);
  await until('both are counted', async () => (await a.outcomes()).length === 2);
  expect(await a.outcomes()).toEqual(['refused 1', 'sent 1']);
  stop.abort();
  await running;
});

test('a message that nobody takes for too long is left out, and counted', async () => {
  const a = await start(
    'a',
    () => {
      throw new RetriableError('nobody is there');
    },
    { give_up_after: 0 },
  );
  const running = a.running(stop.signal);
  await say(message(1));
  await until('it is given up', async () => (await a.outcomes()).join() === 'given up 1');
  stop.abort();
  await running;
});

test('what was taken when the process was killed before it could say so comes again, and nothing else', async () => {
  const first = await start('a', () => undefined);
  const killed = first.running(stop.signal).catch((error: unknown) => error);
  await say(message(1));
  await until('it is taken', () => first.taken.length === 1);
  await until('that is noted', async () => (await redis.hget(keys.alertChannels(), 'at:a')) !== '0-0');
  // Somebody else evaluates from now on; this one does not know yet.
  await store().take(2, ['a', 'b']);
  await store().commit(2, 10_000, { alerts: [], memories: {} }, [message(2)]);
  expect(await killed).toBeInstanceOf(FencedError);
  const { positions } = await store().take(3, ['a', 'b']);
  expect((await store().read(positions.get('a')!)).map(({ message: one }) => one?.id)).toEqual(['m2']);
});

test('stops at once, also while a channel is being tried again', async () => {
  const a = await start('a', async () => {
    await delay(1);
    throw new RetriableError('nobody is there');
  });
  const running = a.running(stop.signal);
  await say(message(1));
  await until('it was tried', () => a.troubles.length > 0);
  stop.abort();
  await running;
  expect(await redis.xlen(keys.alertOutbox())).toBe(1);
});
