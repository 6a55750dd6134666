import { Writable } from 'node:stream';
import { pino } from 'pino';
import * as v from 'valibot';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { systemClock } from '../../../common/clock.ts';
import { PermanentError, RetriableError } from '../../../common/errors.ts';
import { untilReady } from '../../../common/redis/connection.ts';
import type { RedisClient } from '../../../common/redis/connection.ts';
import { startRedis } from '../../../common/testing/redis-server.ts';
import type { TestRedis } from '../../../common/testing/redis-server.ts';
import type { AlertMessage } from '../message.ts';
import { testMessage } from '../test-message.ts';
import { startAlertmanager, startHttpReceiver, startMailServer } from '../testing/receivers.ts';
import type { HttpReceiver } from '../testing/receivers.ts';
import { createChannel, channels, channelSchema } from './registry.ts';
import type { Channel } from './channel.ts';

/** Every channel of the registry, held to what channel.ts promises, at a receiver of its own; a new one adds its receiver here. */

/** What a receiver got of a message, whatever its shape. */
interface Got {
  /** By which it knows a repetition; undefined if it cannot. */
  id: string | undefined;
  /** Everything that it was told. */
  text: string;
}

interface Receiver {
  settings: object;
  got(): Promise<Got[]>;
  /** What the next messages meet; undefined where there is no such thing. */
  busy?: () => void;
  refusing?: () => void;
  away?: () => Promise<void> | void;
  /** Takes a message and answers nothing. */
  silent?: () => void;
  stop(): Promise<void>;
}

let server: TestRedis;
let redis: RedisClient;
let lines: string[] = [];
beforeAll(async () => {
  server = await startRedis();
  redis = await server.client({ command_timeout: 300 });
});
afterAll(() => server.stop());

const ofHttp = (
  receiver: HttpReceiver,
  settings: object,
  idOf: (got: HttpReceiver['posts'][0]) => string | undefined,
): Receiver => ({
  settings,
  got: async () => receiver.posts.map((post) => ({ id: idOf(post), text: post.body })),
  busy: () => receiver.answer(503),
  refusing: () => receiver.answer(400),
  away: async () => receiver[Symbol.asyncDispose](),
  silent: () => receiver.answer(0),
  stop: async () => receiver[Symbol.asyncDispose](),
});

const receivers: Record<keyof typeof channels, () => Promise<Receiver>> = {
  webhook: async () => {
    const receiver = await startHttpReceiver();
    return ofHttp(receiver, { url: receiver.url }, ({ headers }) => String(headers['idempotency-key']));
  },
  slack: async () => {
    const receiver = await startHttpReceiver();
    return ofHttp(receiver, { url: receiver.url }, () => undefined);
  },
  alertmanager: async () => {
    const receiver = await startAlertmanager(() => systemClock.now());
    return ofHttp(receiver, { url: receiver.url }, ({ body }) =>
      JSON.stringify((JSON.parse(body) as { labels: object }[])[0]!.labels),
    );
  },
  email: async () => {
    const mail = await startMailServer();
    return {
      settings: {
        host: '127.0.0.1',
        port: mail.port,
        tls: 'off',
        from: 'Ops <a@example.com>',
        to: ['b@example.com'],
      },
      got: async () =>
        mail.mails.map(({ headers, text }) => ({
          id: headers.get('message-id'),
          text: `${headers.get('subject')}\n${text}`,
        })),
      busy: () => mail.refuse(451),
      refusing: () => mail.refuse(550),
      away: async () => mail[Symbol.asyncDispose](),
      stop: async () => mail[Symbol.asyncDispose](),
    };
  },
  'redis-stream': async () => {
    const reader = await server.client();
    await reader.flushall();
    return {
      settings: { stream: 'told' },
      got: async () =>
        (await reader.xrange('told', '-', '+')).map(([, fields]) => ({
          id: fields[1],
          text: fields.join('\n'),
        })),
      away: () => server.pause(),
      stop: async () => {
        server.resume();
        await untilReady(redis, 5000);
      },
    };
  },
  log: async () => {
    lines = [];
    return {
      settings: {},
      got: async () =>
        lines.map((line) => ({ id: (JSON.parse(line) as { alert: { id: string } }).alert.id, text: line })),
      stop: async () => undefined,
    };
  },
};

const logger = pino(
  {},
  new Writable({ write: (chunk: Buffer, _coding, done) => (lines.push(String(chunk)), done()) }),
);
const text = { timeZone: 'Asia/Seoul', link: 'https://grafana.example/d/eai?id={{transaction_id}}' };
const never = new AbortController().signal;
const firing: AlertMessage = {
  ...testMessage(Date.parse('2026-01-30T00:00:00Z'), 'f'.repeat(32)),
  kind: 'firing',
  rule: 'order-failures',
  labels: { interface: 'order', step: 'hub', branch: 'wms', error_code: 'E42' },
  count: 4000,
};

describe.each(Object.keys(channels) as (keyof typeof channels)[])('%s', (type) => {
  let receiver: Receiver;
  let channel: Channel;
  const open = async (more: object = {}) => {
    receiver = await receivers[type]();
    const config = v.parse(channelSchema, {
      name: 'c',
      type,
      ...receiver.settings,
      ...more,
    });
    channel = createChannel(config, { clock: systemClock, logger, redis, text });
  };
  afterEach(async () => {
    await channel?.close();
    await receiver?.stop();
  });

  test('has an example that works as it stands', () => {
    const [example] = parse(channels[type].example) as unknown[];
    expect(
      v.safeParse(channelSchema, { ...(example as object), ...substituted(type) }).issues,
    ).toBeUndefined();
  });

  test.each(['en', 'ko'])('says what an operator needs, in %s', async (language) => {
    await open({ language });
    await channel.send(firing, never);
    const [got] = await receiver.got();
    for (const said of ['order-failures', 'order', 'hub', 'wms', 'E42', '4,000', 'T-TEST-1', 'T-TEST-3'])
      expect(got!.text).toContain(said);
    expect(got!.text).toContain(language === 'en' ? 'transactions failed' : '건 실패');
  });

  test('says that it is over', async () => {
    await open();
    await channel.send({ ...firing, kind: 'resolved', resolved_at: firing.at + 60_000 }, never);
    expect((await receiver.got())[0]!.text).toMatch(/RESOLVED|resolved|00:01:00/);
  });

  test('a repetition can be known as one', async ({ skip }) => {
    await open();
    await channel.send(firing, never);
    await channel.send(firing, never);
    const [first, second] = await receiver.got();
    if (first!.id === undefined) skip('its receivers know no repetitions');
    expect([first!.id, second!.id]).toEqual([first!.id, first!.id]);
  });

  test.each(['busy', 'away'] as const)(
    'while the receiver is %s, it is worth another attempt',
    async (state) => {
      await open();
      if (receiver[state] === undefined) return;
      await receiver[state]();
      await expect(channel.send(firing, never)).rejects.toThrow(RetriableError);
    },
  );

  test('what the receiver refuses, it refuses for ever', async ({ skip }) => {
    await open();
    if (receiver.refusing === undefined) skip('it takes everything');
    receiver.refusing?.();
    await expect(channel.send(firing, never)).rejects.toThrow(PermanentError);
    expect(await receiver.got()).toEqual([]);
  });

  test('gives up when it is told to, however long the receiver is silent', async ({ skip }) => {
    await open();
    if (receiver.silent === undefined) skip('it is never silent');
    receiver.silent?.();
    const stop = new AbortController();
    const sent = channel.send(firing, stop.signal);
    stop.abort();
    await expect(sent).rejects.toThrow(RetriableError);
  });
});

/** What examples take from the environment. */
function substituted(type: keyof typeof channels): object {
  const settings: Partial<Record<keyof typeof channels, object>> = {
    webhook: { secret: 'change-me-change-me' },
    slack: { url: 'https://hooks.slack.example/services/T/B/x' },
    email: { password: 'x' },
  };
  return settings[type] ?? {};
}
