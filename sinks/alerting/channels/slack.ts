import * as v from 'valibot';
import { textOf } from '../text.ts';
import { channelEntries, languageEntries } from './channel.ts';
import type { ChannelComponent } from './channel.ts';
import { httpUrl } from './http-url.ts';
import { postJson } from './post.ts';

const config = v.strictObject({
  type: v.literal('slack'),
  ...channelEntries,
  ...languageEntries,
  url: httpUrl('The incoming webhook; a secret, better given as `${SLACK_URL}`.'),
});
type Config = v.InferOutput<typeof config>;

/** Slack, and what speaks as it does (Mattermost, Rocket.Chat, …). */
export const slackChannel = {
  type: 'slack',
  summary:
    'Posts to an incoming webhook of Slack, or of anything that takes the same JSON (Mattermost, Rocket.Chat). Such webhooks know no repetition: after a crash at the wrong moment a message may be there twice.',
  example: `- name: chat
  type: slack
  url: \${SLACK_URL:-https://hooks.slack.example/services/T/B/x}
  language: ko
`,
  config,
  create: (settings, { text }) => ({
    send: (message, signal) => {
      const { subject, body } = textOf(message, settings.language, text);
      const json = JSON.stringify({ text: `*${escaped(subject)}*\n\`\`\`${escaped(body)}\`\`\`` });
      return postJson(settings.url, json, {}, signal);
    },
    close: () => Promise.resolve(),
  }),
} satisfies ChannelComponent<Config>;

/** https://docs.slack.dev/messaging/formatting-message-text#escaping */
function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('`', "'");
}
