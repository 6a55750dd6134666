import { randomBytes } from 'node:crypto';
import { userInfo } from 'node:os';
import * as v from 'valibot';
import { systemClock } from '../../common/clock.ts';
import { duration } from '../../common/config-values.ts';
import { FatalError } from '../../common/errors.ts';
import { createLogger, silentLogger } from '../../common/logger.ts';
import { connectRedis, untilReady } from '../../common/redis/connection.ts';
import type { RedisClient } from '../../common/redis/connection.ts';
import { createKeys } from '../../common/redis/keys.ts';
import type { Keys } from '../../common/redis/keys.ts';
import { createChannel } from '../../sinks/alerting/channels/registry.ts';
import { createSilenceStore } from '../../sinks/alerting/silences.ts';
import { createAlertStore } from '../../sinks/alerting/store.ts';
import { testMessage } from '../../sinks/alerting/test-message.ts';
import { textSettings } from '../../sinks/alerting/text.ts';
import { formatAlerts, formatSilences, formatTroubles, timeIn } from '../alerts/format.ts';
import { loadTranweaveConfig } from '../tranweave-config.ts';
import type { TranweaveConfig } from '../tranweave-config.ts';

/** `tranweave alerts`: what is firing, silences, and a message to try a channel. */

export interface AlertsOptions {
  config: string;
  zone: string;
}
export interface ListAlertsOptions extends AlertsOptions {
  json?: true;
}
export interface AddSilenceOptions extends AlertsOptions {
  where: string[];
  all?: true;
  for: string;
  comment: string;
  by?: string;
}

const REDIS_MS_MAX = 5_000;

async function withRedis<T>(
  file: string,
  work: (redis: RedisClient, keys: Keys, config: TranweaveConfig) => Promise<T>,
): Promise<T> {
  const config = loadTranweaveConfig(file);
  const redis = connectRedis(config.redis, silentLogger());
  try {
    await untilReady(redis, REDIS_MS_MAX);
    return await work(redis, createKeys(config.redis.prefix), config);
  } finally {
    redis.disconnect();
  }
}

/** Prints what is pending and firing, channels in trouble, and silences. */
export async function listAlerts({ config: file, zone, json }: ListAlertsOptions): Promise<void> {
  const text = await withRedis(file, async (redis, keys, { alerts }) => {
    const store = createAlertStore(redis, keys, alerts.resolution);
    const { next, state } = await store.look();
    const troubles = await store.troubles();
    const silences = await createSilenceStore(redis, keys).all();
    const pendingAndFiring = state?.alerts ?? [];
    if (json) {
      const channels = Object.fromEntries(troubles);
      return JSON.stringify(
        { evaluated: next ?? null, alerts: pendingAndFiring, channels, silences },
        null,
        2,
      );
    }
    const evaluated =
      next === undefined ? 'nothing was evaluated yet' : `evaluated up to ${timeIn(zone)(next)}`;
    return [
      `${evaluated}; ${alerts.rules.length} rules in this config`,
      '',
      formatAlerts(pendingAndFiring, zone),
      ...(troubles.size === 0 ? [] : ['', formatTroubles(troubles, zone)]),
      ...(silences.length === 0 ? [] : ['', formatSilences(silences, zone, systemClock.now())]),
    ].join('\n');
  });
  process.stdout.write(`${text}\n`);
}

/** Keeps people from being told for a while. */
export async function addSilence(options: AddSilenceOptions): Promise<void> {
  const where = conditionsOf(options);
  const parsed = v.safeParse(duration('how long'), options.for);
  if (!parsed.success) throw new FatalError(`--for ${parsed.issues[0].message}`);
  const now = systemClock.now();
  const silence = {
    id: randomBytes(4).toString('hex'),
    where,
    from: now,
    until: now + parsed.output,
    by: options.by ?? userInfo().username,
    comment: options.comment,
  };
  await withRedis(options.config, (redis, keys) => createSilenceStore(redis, keys).add(silence));
  process.stdout.write(`${formatSilences([silence], options.zone, now)}\n`);
}

export async function listSilences({ config, zone }: AlertsOptions): Promise<void> {
  const silences = await withRedis(config, (redis, keys) => createSilenceStore(redis, keys).all());
  process.stdout.write(`${formatSilences(silences, zone, systemClock.now())}\n`);
}

export async function removeSilence(id: string, { config }: Pick<AlertsOptions, 'config'>): Promise<void> {
  const removed = await withRedis(config, (redis, keys) => createSilenceStore(redis, keys).remove(id));
  if (!removed)
    throw new FatalError(`there is no silence ${id}; \`tranweave alerts silence list\` shows them`);
  process.stdout.write(`silence ${id} is removed\n`);
}

/** `label=pattern` each. */
function conditionsOf({ where, all }: Pick<AddSilenceOptions, 'where' | 'all'>): Record<string, string> {
  if (where.length === 0 && !all)
    throw new FatalError('say which alerts: --where rule=NAME, --where interface=PATTERN, …, or --all');
  return Object.fromEntries(
    where.map((text) => {
      const [, label, pattern] = /^([A-Za-z_]\w*)=(.*)$/s.exec(text) ?? [];
      if (label === undefined || pattern === undefined)
        throw new FatalError(`--where must be label=pattern, like interface=shop-*; it is ${text}`);
      return [label, pattern];
    }),
  );
}

/** Hands a message over that says that it is a test. Throws what the channel does. */
export async function sendTest({
  config: file,
  channel: name,
}: {
  config: string;
  channel: string;
}): Promise<void> {
  await withRedis(file, async (redis, _keys, { alerts }) => {
    const config = alerts.channels.find((one) => one.name === name);
    if (config === undefined) {
      const known = alerts.channels.map((one) => one.name).join(', ') || 'none';
      throw new FatalError(`the config has no channel ${name}; it has: ${known}`);
    }
    const text = textSettings(alerts);
    const logger = createLogger('alerts', 'info');
    const channel = createChannel(config, { clock: systemClock, logger, redis, text });
    try {
      await channel.send(
        testMessage(systemClock.now(), randomBytes(16).toString('hex')),
        AbortSignal.timeout(SEND_MS_MAX),
      );
    } finally {
      await channel.close();
    }
  });
  process.stdout.write(`the channel ${name} has taken a test message\n`);
}

const SEND_MS_MAX = 15_000;
