import { createHmac } from 'node:crypto';
import * as v from 'valibot';
import type { AlertMessage } from '../message.ts';
import { fillJson, PLACEHOLDERS, unknownPlaceholders } from '../placeholders.ts';
import { textOf } from '../text.ts';
import { channelEntries, languageEntries } from './channel.ts';
import type { Channel, ChannelComponent, ChannelDeps } from './channel.ts';
import { httpUrl } from './http-url.ts';
import { postJson } from './post.ts';

const body = v.pipe(
  v.custom<unknown>((value) => typeof value === 'object' && value !== null, 'must be an object or a list'),
  v.rawCheck(({ dataset, addIssue }) => {
    if (!dataset.typed) return;
    const unknown = unknownPlaceholders(JSON.stringify(dataset.value));
    if (unknown.length > 0)
      addIssue({
        message: `holds {{${unknown[0]}}}, which is none of: ${PLACEHOLDERS.join(', ')}`,
      });
  }),
  v.description(
    'What is sent, as JSON; texts may hold `{{rule}}`, `{{kind}}`, `{{interface}}`, `{{count}}`, `{{samples}}`, `{{subject}}`, `{{text}}` and more (docs/alerts.md). A text that is nothing but one placeholder becomes the value itself. Everything there is, if not given.',
  ),
);

const config = v.strictObject({
  type: v.literal('webhook'),
  ...channelEntries,
  ...languageEntries,
  url: httpUrl('Where it is sent, by POST.'),
  secret: v.exactOptional(
    v.pipe(
      v.string('must be a text'),
      v.minLength(16, 'must be at least 16 characters'),
      v.description(
        'Key of the signature in `X-Tranweave-Signature`: `t=<seconds>,v1=<HMAC-SHA256 of "t.body", hex>`; better given as `${WEBHOOK_SECRET}`. Not signed if not given.',
      ),
    ),
  ),
  headers: v.optional(
    v.pipe(
      v.record(v.string(), v.string('must be a text'), 'must be an object of texts'),
      v.description('More headers: a token of the receiver.'),
    ),
    {},
  ),
  body: v.exactOptional(body),
});
type Config = v.InferOutput<typeof config>;

/** Any receiver that takes JSON. */
export const webhookChannel = {
  type: 'webhook',
  summary:
    'Posts JSON. The header `Idempotency-Key` is the message’s id, so that a receiver can drop a repetition; `X-Tranweave-Signature` says that it is ours and how old it is. Any answer of 2xx means taken; 408, 425, 429 and 5xx are tried again, anything else is not.',
  example: `- name: tickets
  type: webhook
  url: https://tickets.example/api/alerts
  secret: \${WEBHOOK_SECRET:-change-me-change-me}
  body:
    title: '{{subject}}'
    description: '{{text}}'
    external_id: '{{alert_id}}'
    open: '{{kind}}'
    transactions: '{{samples}}'
`,
  config,
  create: (settings, deps) => createWebhook(settings, deps),
} satisfies ChannelComponent<Config>;

function createWebhook(settings: Config, { clock, text }: ChannelDeps): Channel {
  return {
    send: (message, signal) => {
      const json = JSON.stringify(bodyOf(settings, message, text));
      const seconds = Math.floor(clock.now() / 1000);
      const headers: Record<string, string> = { ...settings.headers, 'idempotency-key': message.id };
      if (settings.secret !== undefined)
        headers['x-tranweave-signature'] = `t=${seconds},v1=${signatureOf(settings.secret, seconds, json)}`;
      return postJson(settings.url, json, headers, signal);
    },
    close: () => Promise.resolve(),
  };
}

function bodyOf(settings: Config, message: AlertMessage, text: ChannelDeps['text']): unknown {
  const { subject, body: words } = textOf(message, settings.language, text);
  if (settings.body !== undefined) return fillJson(settings.body, message, { subject, text: words });
  const { channels: _, ...said } = message;
  return { ...said, subject, text: words };
}

/** Of the time as well, so that what was overheard cannot be sent again later. */
export function signatureOf(secret: string, seconds: number, body: string): string {
  return createHmac('sha256', secret).update(`${seconds}.${body}`).digest('hex');
}
