import * as v from 'valibot';
import { expect, test } from 'vitest';
import { systemClock } from '../../../common/clock.ts';
import { RetriableError } from '../../../common/errors.ts';
import { silentLogger } from '../../../common/logger.ts';
import type { RedisClient } from '../../../common/redis/connection.ts';
import { until } from '../../../common/testing/until.ts';
import type { AlertMessage } from '../message.ts';
import { testMessage } from '../test-message.ts';
import { startAlertmanager, startHttpReceiver, startMailServer } from '../testing/receivers.ts';
import { createChannel, channelSchema } from './registry.ts';

/** What channels do beyond the contract of all. */

const logger = silentLogger();
/** None of these needs it. */
const redis = undefined as unknown as RedisClient;
const text = { timeZone: 'Asia/Seoul', link: 'https://grafana.example/d/eai?id={{transaction_id}}' };
const never = new AbortController().signal;
const firing: AlertMessage = {
  ...testMessage(Date.parse('2026-01-30T00:00:00Z'), 'f'.repeat(32)),
  kind: 'firing',
  rule: 'order-failures',
  labels: { interface: 'order', step: 'hub', branch: 'wms', error_code: 'E42' },
  count: 4000,
};

test('an Alertmanager hears again and again of what is firing, and that it ends by itself if it hears no more', async () => {
  await using manager = await startAlertmanager(() => systemClock.now());
  const config = v.parse(channelSchema, {
    name: 'c',
    type: 'alertmanager',
    url: manager.url,
    refresh: '1h',
  });
  const channel = createChannel(config, { clock: systemClock, logger, redis, text });
  await channel.send(firing, never);
  const [alert] = manager.alerts.values();
  expect(alert).toMatchObject({
    labels: { alertname: 'order-failures', severity: 'info', interface: 'order' },
    startsAt: '2026-01-30T00:00:00.000Z',
    generatorURL: 'https://grafana.example/d/eai?id=T-TEST-1',
    became: ['firing'],
  });
  await channel.refresh!.send(
    [
      { ...firing, count: 4100 },
      { ...firing, rule: 'other' },
    ],
    never,
  );
  await until('it has heard of both', () => manager.alerts.size === 2);
  expect(channel.refresh!.everyMs).toBe(3_600_000);
});

test('a webhook takes its body from the config, with values as they are', async () => {
  await using receiver = await startHttpReceiver();
  const body = {
    title: '{{subject}}',
    fields: [{ id: '{{ alert_id }}', n: '{{count}}', of: '{{samples}}' }],
    note: '{{interface}} at {{step}}: {{error_message}}',
    open: true,
  };
  const config = v.parse(channelSchema, {
    name: 'c',
    type: 'webhook',
    url: receiver.url,
    body,
    headers: { 'x-token': 't' },
  });
  const channel = createChannel(config, { clock: systemClock, logger, redis, text });
  await channel.send(firing, never);
  expect(JSON.parse(receiver.posts[0]!.body)).toEqual({
    title: '[FIRING] [info] order-failures: order / hub / wms / E42: 4,000 transactions failed',
    fields: [{ id: firing.alert_id, n: 4000, of: ['T-TEST-1', 'T-TEST-2', 'T-TEST-3'] }],
    note: 'order at hub: this is how an error would be told',
    open: true,
  });
  expect(receiver.posts[0]!.headers['x-token']).toBe('t');
});

test('a mail is sent for the user of the config; a wrong password is worth another attempt, once somebody has mended it', async () => {
  await using mail = await startMailServer({ username: 'tranweave', password: 'right' });
  const settings = {
    name: 'c',
    type: 'email',
    host: '127.0.0.1',
    port: mail.port,
    from: 'a@b.example',
    to: ['c@d.example'],
  };
  const send = async (more: object) => {
    const config = v.parse(channelSchema, { ...settings, username: 'tranweave', ...more });
    const channel = createChannel(config, { clock: systemClock, logger, redis, text });
    try {
      await channel.send(firing, never);
    } finally {
      await channel.close();
    }
  };
  await expect(send({ password: 'wrong', tls: 'off' })).rejects.toThrow(RetriableError);
  await send({ password: 'right', tls: 'off' });
  expect(mail.mails).toHaveLength(1);
  // A server that offers no TLS is not told the password.
  await expect(send({ password: 'right' })).rejects.toThrow(RetriableError);
  expect(mail.mails).toHaveLength(1);
});
