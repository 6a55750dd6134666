import * as v from 'valibot';
import { wholeNumber } from '../../../common/config-values.ts';
import { reply } from '../../../common/redis/redis-error.ts';
import { textOf } from '../text.ts';
import { channelEntries, languageEntries } from './channel.ts';
import type { ChannelComponent } from './channel.ts';

const config = v.strictObject({
  type: v.literal('redis-stream'),
  ...channelEntries,
  ...languageEntries,
  stream: v.optional(
    v.pipe(
      v.string('must be a text'),
      v.regex(/^[^\s{}]{1,200}$/, 'must be 1 to 200 characters without spaces and braces'),
      v.description("The stream's key, in the Redis of `redis:`; its user must be allowed to write there."),
    ),
    'tranweave:alerts',
  ),
  entries_max: v.optional(
    wholeNumber(1, 10_000_000, 'About so many entries are kept; older ones go, read or not.'),
    10_000,
  ),
});
type Config = v.InferOutput<typeof config>;

/** A stream that other programs read. */
export const redisStreamChannel = {
  type: 'redis-stream',
  summary:
    'Appends to a stream of the same Redis: fields `id`, `alert_id`, `kind`, `rule`, `severity`, `subject` and `message`, which is all there is as JSON. A repetition has the same `id`.',
  example: `- name: programs
  type: redis-stream
  stream: tranweave:alerts
`,
  config,
  create: ({ stream, entries_max, language }, { redis, text }) => ({
    send: async (message) => {
      const { id, alert_id, kind, rule, severity } = message;
      const { subject } = textOf(message, language, text);
      const fields = { id, alert_id, kind, rule, severity, subject, message: JSON.stringify(message) };
      await reply(
        redis.xadd(stream, 'MAXLEN', '~', entries_max, '*', ...Object.entries(fields).flat()),
        stream,
      );
    },
    close: () => Promise.resolve(),
  }),
} satisfies ChannelComponent<Config>;
