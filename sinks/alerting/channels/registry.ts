import type * as v from 'valibot';
import { anyOf, createPart } from '../../../common/component.ts';
import { alertmanagerChannel } from './alertmanager.ts';
import type { Channel, ChannelDeps } from './channel.ts';
import { emailChannel } from './email.ts';
import { logChannel } from './log.ts';
import { redisStreamChannel } from './redis-stream.ts';
import { slackChannel } from './slack.ts';
import { webhookChannel } from './webhook.ts';

/** Every channel by its `type`. A new one is one file and one line here. */
export const channels = {
  webhook: webhookChannel,
  slack: slackChannel,
  email: emailChannel,
  alertmanager: alertmanagerChannel,
  'redis-stream': redisStreamChannel,
  log: logChannel,
};

/** The schema of an entry of `alerts.channels`. */
export const channelSchema = anyOf(channels);
/** The config of any channel. */
export type ChannelConfig = v.InferOutput<typeof channelSchema>;

export function createChannel(config: ChannelConfig, deps: ChannelDeps): Channel {
  return createPart<ChannelDeps, Channel>(channels, config, deps);
}
