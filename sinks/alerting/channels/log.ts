import * as v from 'valibot';
import { textOf } from '../text.ts';
import { channelEntries, languageEntries } from './channel.ts';
import type { ChannelComponent } from './channel.ts';

const config = v.strictObject({ type: v.literal('log'), ...channelEntries, ...languageEntries });
type Config = v.InferOutput<typeof config>;

/** A line of the sinks process' own log. */
export const logChannel = {
  type: 'log',
  summary:
    'Writes a line into the log of the sinks process, as JSON with everything there is: for whoever collects logs anyway, and to try rules.',
  example: `- name: log
  type: log
`,
  config,
  create: ({ language }, { logger, text }) => ({
    send: async (message) => {
      const { subject } = textOf(message, language, text);
      const { channels: _, ...alert } = message;
      if (message.kind === 'resolved' || message.kind === 'test') logger.info({ alert }, subject);
      else logger.warn({ alert }, subject);
    },
    close: () => Promise.resolve(),
  }),
} satisfies ChannelComponent<Config>;
