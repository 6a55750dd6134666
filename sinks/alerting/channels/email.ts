import type { Transporter } from 'nodemailer';
import * as v from 'valibot';
import { port } from '../../../common/config-values.ts';
import { PermanentError, RetriableError } from '../../../common/errors.ts';
import { aborted } from '../../../common/lifecycle.ts';
import type { AlertMessage } from '../message.ts';
import { textOf } from '../text.ts';
import { channelEntries, languageEntries, SEND_MS_MAX } from './channel.ts';
import type { Channel, ChannelComponent, ChannelDeps } from './channel.ts';

const address = v.pipe(
  v.string('must be an address'),
  v.regex(
    /^[^\r\n]*[^\s@<>]+@[^\s@<>]+>?$/,
    'must be an address, like ops@example.com or Ops <ops@example.com>',
  ),
);

const config = v.strictObject({
  type: v.literal('email'),
  ...channelEntries,
  ...languageEntries,
  host: v.pipe(
    v.string('must be a text'),
    v.nonEmpty('must not be empty'),
    v.description('The mail server.'),
  ),
  port: v.optional(port('Its port: 587 for `starttls`, 465 for `tls`, 25 for `off`, as a rule.'), 587),
  tls: v.optional(
    v.pipe(
      v.picklist(['starttls', 'tls', 'off'], 'must be starttls, tls or off'),
      v.description('`starttls`: asked for, and not done without; `tls`: from the first byte; `off`: never.'),
    ),
    'starttls',
  ),
  username: v.exactOptional(
    v.pipe(v.string('must be a text'), v.description('User, if the server asks for one.')),
  ),
  password: v.exactOptional(
    v.pipe(v.string('must be a text'), v.description('Password; better given as `${SMTP_PASSWORD}`.')),
  ),
  from: v.pipe(address, v.description('The sender.')),
  to: v.pipe(
    v.array(address, 'must be a list of addresses'),
    v.minLength(1, 'must name at least one address'),
    v.maxLength(100, 'must name at most 100 addresses'),
    v.description('The receivers, all in one mail.'),
  ),
});
type Config = v.InferOutput<typeof config>;

/** Mail. */
export const emailChannel = {
  type: 'email',
  summary:
    'Sends mail. `Message-ID` is made of the message’s id, by which mailboxes drop a repetition; mails of one alert refer to it, so that they are shown together.',
  example: `- name: operators
  type: email
  host: mail.example
  username: tranweave
  password: \${SMTP_PASSWORD:-change-me}
  from: Tranweave <tranweave@example.com>
  to: [eai-operators@example.com]
`,
  config,
  create: (settings, deps) => createEmail(settings, deps),
} satisfies ChannelComponent<Config>;

function createEmail(settings: Config, { text }: ChannelDeps): Channel {
  let opening: Promise<Transporter> | undefined;
  return {
    send: async (message, signal) => {
      const { subject, body } = textOf(message, settings.language, text);
      const transport = await (opening ??= openTransport(settings));
      await hand(transport, { ...headersOf(settings, message), subject, text: body }, signal);
    },
    close: async () => (await opening)?.close(),
  };
}

/** Loaded when it is used: every process reads a config that may name this channel. */
async function openTransport({ host, port, tls, username, password }: Config): Promise<Transporter> {
  const { createTransport } = await import('nodemailer');
  return createTransport({
    host,
    port,
    secure: tls === 'tls',
    requireTLS: tls === 'starttls',
    ignoreTLS: tls === 'off',
    ...(username === undefined ? {} : { auth: { user: username, pass: password ?? '' } }),
    connectionTimeout: SEND_MS_MAX,
    greetingTimeout: SEND_MS_MAX,
    socketTimeout: SEND_MS_MAX,
    disableFileAccess: true,
    disableUrlAccess: true,
  });
}

function headersOf({ from, to }: Config, { id, alert_id, rule, kind }: AlertMessage) {
  const domain = /@([^\s@<>]+)>?$/.exec(from)?.[1] ?? 'localhost';
  const thread = `<${alert_id}@${domain}>`;
  return {
    from,
    to,
    messageId: `<${id}@${domain}>`,
    inReplyTo: thread,
    references: thread,
    // Nobody is away on holiday for these. https://www.rfc-editor.org/rfc/rfc3834#section-5
    headers: { 'Auto-Submitted': 'auto-generated', 'X-Tranweave-Rule': rule, 'X-Tranweave-Kind': kind },
  };
}

async function hand(
  transport: Transporter,
  mail: Parameters<Transporter['sendMail']>[0],
  signal: AbortSignal,
): Promise<void> {
  const sent = transport.sendMail(mail).then(
    () => undefined,
    (error: unknown) => {
      throw meaningOf(error);
    },
  );
  // It cannot be called off; its own time limits end it, and its Message-ID makes another attempt harmless.
  const givenUp = aborted(signal).then(() => {
    throw new RetriableError('sending was given up');
  });
  await Promise.race([sent, givenUp]);
}

/** 5xx to a command about this mail is for ever; anything else, a wrong password too, somebody can mend while it waits. https://www.rfc-editor.org/rfc/rfc5321#section-4.2.1 */
function meaningOf(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const { responseCode, code } = error as Error & { responseCode?: number; code?: string };
  if (responseCode === undefined && code === undefined) return error;
  const isForEver = (responseCode ?? 0) >= 500 && (code === 'EENVELOPE' || code === 'EMESSAGE');
  return isForEver
    ? new PermanentError('the mail server refuses the message', { cause: error })
    : new RetriableError('the mail server does not take it now', { cause: error });
}
