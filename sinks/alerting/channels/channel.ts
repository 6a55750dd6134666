import * as v from 'valibot';
import type { Clock } from '../../../common/clock.ts';
import type { Component } from '../../../common/component.ts';
import { duration, partName } from '../../../common/config-values.ts';
import type { Logger } from '../../../common/logger.ts';
import type { RedisClient } from '../../../common/redis/connection.ts';
import type { AlertMessage } from '../message.ts';
import type { TextSettings } from '../text.ts';

/** Settings that every channel has; spread into its schema. Durations are in milliseconds. */
export const channelEntries = {
  name: partName('Name of the channel, unique in the config. How far it has been told is kept under it.'),
  give_up_after: v.optional(
    duration(
      'A message that could not be handed over for so long is left out, which a metric counts and the log says.',
    ),
    '24h',
  ),
};

/** Entries of channels that tell in words. */
export const languageEntries = {
  language: v.optional(
    v.pipe(
      v.picklist(['en', 'ko'], 'must be en or ko'),
      v.description('Language of its texts: `en` or `ko`.'),
    ),
    'en',
  ),
};

/**
 * Where messages go. Protocol: `send` is called with one message after the other, in order; the next one comes when it has resolved, which means that the
 * receiver has taken the message. It throws a RetriableError when the receiver is away or busy (the same message comes again after a pause that grows), and a
 * PermanentError when it will never take this one (it is left out, visibly). It gives up when `signal` aborts, and has a time limit of its own.
 *
 * A message may come twice, after a crash between its being taken and that being noted: `message.id` is the same then, and is handed on where the receiver can
 * know it again by it.
 */
export interface Channel {
  send(message: AlertMessage, signal: AbortSignal): Promise<void>;
  /**
   * For receivers that must hear again and again of what is firing: called every `refreshMs` with all of it, told and not held back. Throws as `send` does.
   */
  refresh?: { everyMs: number; send(firing: readonly AlertMessage[], signal: AbortSignal): Promise<void> };
  close(): Promise<void>;
}

export interface ChannelDeps {
  clock: Clock;
  logger: Logger;
  redis: RedisClient;
  text: TextSettings;
}

export type ChannelComponent<Config> = Component<Config, ChannelDeps, Channel>;

/** How long a receiver may take for a message. */
export const SEND_MS_MAX = 10_000;
