import { readFileSync } from 'node:fs';
import * as v from 'valibot';
import { expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { checkConfig } from '../common/config.ts';
import { systemClock } from '../common/clock.ts';
import { silentLogger } from '../common/logger.ts';
import type { RedisClient } from '../common/redis/connection.ts';
import { startHttpReceiver, startMailServer } from '../sinks/alerting/testing/receivers.ts';
import { createChannel, channels, channelSchema } from '../sinks/alerting/channels/registry.ts';
import { createEngine } from '../sinks/alerting/engine.ts';
import { PLACEHOLDERS } from '../sinks/alerting/placeholders.ts';
import { ruleKinds } from '../sinks/alerting/rules/registry.ts';
import { bucket, failures, START } from '../sinks/alerting/testing/buckets.ts';
import { textSettings } from '../sinks/alerting/text.ts';
import { tranweaveConfigSchema } from '../scripts/tranweave-config.ts';
import type { TranweaveConfig } from '../scripts/tranweave-config.ts';

/** What docs/alerts.md shows is what there is: its configs are valid and leave nothing out, its mails are as they arrive, its code works. */

const page = readFileSync(new URL('../docs/alerts.md', import.meta.url), 'utf8');
const blocks = (language: string) =>
  [...page.matchAll(/^```([\w-]+)\n([\s\S]*?)^```$/gm)].flatMap(([, name, body]) =>
    name === language ? [body!] : [],
  );
const never = new AbortController().signal;
/** Channels of these tests need no Redis. */
const redis = undefined as unknown as RedisClient;

function configOf(yaml: string): TranweaveConfig {
  const env = {
    SMTP_PASSWORD: 'x',
    WEBHOOK_SECRET: 'a-secret-of-the-receiver',
    SLACK_URL: 'https://slack.example/x',
  };
  const checked = checkConfig(stringify(parse(yaml)), tranweaveConfigSchema, env);
  expect(checked.mistakes).toBeUndefined();
  return checked.config as TranweaveConfig;
}

test('every config is valid; all kinds of rules and channels are shown', () => {
  const configs = blocks('yaml').map(configOf);
  const types = (of: 'rules' | 'channels') =>
    new Set(configs.flatMap(({ alerts }) => alerts[of].map(({ type }) => type)));
  expect(types('rules')).toEqual(new Set(Object.keys(ruleKinds)));
  expect(types('channels')).toEqual(new Set(Object.keys(channels)));
  for (const type of [...Object.keys(ruleKinds), ...Object.keys(channels)])
    expect(page).toContain(`| \`${type}\``);
});

test('a sink may not have the name that alerts are counted under', () => {
  const sinks = [{ name: 'alerts', type: 'clickhouse', url: 'http://127.0.0.1:8123' }];
  const { mistakes } = checkConfig(stringify({ sinks }), tranweaveConfigSchema, {});
  expect(mistakes).toMatchObject([{ line: 2, key: 'sinks[0].name', reason: 'is reserved; choose another' }]);
});

test('every placeholder is told', () => {
  for (const name of PLACEHOLDERS) expect(page).toContain(`\`{{${name}}}\``);
});

test.each(['en', 'ko'])('the mail in %s is as it arrives', async (language) => {
  const { alerts } = configOf(blocks('yaml')[0]!);
  const failed = failures(4000, {
    interface: 'shop-order',
    step: 'receive',
    branch: 'wms',
    error_code: 'E42',
  });
  const detail = {
    message: 'connection refused',
    target: 'WMS',
    samples: ['SO-1001', 'SO-1002', 'SO-1003'],
    first_at: START + 1250,
  };
  const engine = createEngine({ ...alerts, rules: alerts.rules.map((rule) => ({ ...rule, for: 0 })) });
  const [message] = engine.step(bucket(0, [{ ...failed, detail, last_at: START + 8500 }]), []);
  await using mail = await startMailServer();
  const channel = createChannel(
    v.parse(channelSchema, {
      name: 'operators',
      type: 'email',
      host: '127.0.0.1',
      port: mail.port,
      tls: 'off',
      from: 'tranweave@example.com',
      to: ['eai-operators@example.com'],
      language,
    }),
    { clock: systemClock, logger: silentLogger(), redis, text: textSettings(alerts) },
  );
  await channel.send(message!, never);
  await channel.close();
  const [{ headers, text }] = mail.mails as [(typeof mail.mails)[0]];
  expect(`Subject: ${headers.get('subject')}\n\n${text.trimEnd()}\n`).toBe(blocks(`mail-${language}`)[0]);
});

test('the check of a signature knows ours, and no others', async () => {
  const code = blocks('js')[0]!;
  const { isOurs } = (await import(`data:text/javascript,${encodeURIComponent(code)}`)) as {
    isOurs: (body: string, header: string, secret: string, now: number) => boolean;
  };
  const secret = 'a-secret-of-the-receiver';
  await using receiver = await startHttpReceiver();
  const config = v.parse(channelSchema, { name: 'w', type: 'webhook', url: receiver.url, secret });
  const { alerts } = configOf(blocks('yaml')[0]!);
  const channel = createChannel(config, {
    clock: systemClock,
    logger: silentLogger(),
    redis,
    text: textSettings(alerts),
  });
  const engine = createEngine({ ...alerts, rules: alerts.rules.map((rule) => ({ ...rule, for: 0 })) });
  const [message] = engine.step(bucket(0, [failures(1, { interface: 'shop-order' })]), []);
  await channel.send(message!, never);
  const { body, headers } = receiver.posts[0]!;
  const header = String(headers['x-tranweave-signature']);
  const now = Number(/^t=(\d+)/.exec(header)![1]);
  expect(isOurs(body, header, secret, now + 10)).toBe(true);
  expect(isOurs(`${body} `, header, secret, now)).toBe(false);
  expect(isOurs(body, header, 'another-secret-than-ours', now)).toBe(false);
  expect(isOurs(body, header, secret, now + 301)).toBe(false);
});
