import * as v from 'valibot';
import { duration } from '../../../common/config-values.ts';
import type { AlertMessage } from '../message.ts';
import { fillLink } from '../placeholders.ts';
import { textOf } from '../text.ts';
import { channelEntries, languageEntries } from './channel.ts';
import type { Channel, ChannelComponent, ChannelDeps } from './channel.ts';
import { httpUrl } from './http-url.ts';
import { postJson } from './post.ts';

const config = v.strictObject({
  type: v.literal('alertmanager'),
  ...channelEntries,
  ...languageEntries,
  url: httpUrl('The Alertmanager, without `/api/v2/alerts`.'),
  headers: v.optional(
    v.pipe(
      v.record(v.string(), v.string('must be a text'), 'must be an object of texts'),
      v.description('More headers: `Authorization` of a proxy before it.'),
    ),
    {},
  ),
  refresh: v.optional(
    v.pipe(
      duration(
        'How often it is told again what is firing; what it has not heard of for four times as long it takes to be over.',
      ),
      v.minValue(100, 'must be at least 100ms'),
    ),
    '30s',
  ),
});
type Config = v.InferOutput<typeof config>;

/** How many times a refresh may fail before Alertmanager takes an alert to be over. */
const REFRESHES = 4;
/** Alerts in one request. */
const ALERTS_MAX = 500;

/** Prometheus Alertmanager. https://prometheus.io/docs/alerting/latest/clients/ */
export const alertmanagerChannel = {
  type: 'alertmanager',
  summary:
    'Posts to `/api/v2/alerts` of a Prometheus Alertmanager, which does routing, grouping and silences of its own. The alert is known by its labels (`alertname` is the rule), so a repetition changes nothing.',
  example: `- name: alertmanager
  type: alertmanager
  url: http://alertmanager.example:9093
`,
  config,
  create: (settings, deps) => createAlertmanager(settings, deps),
} satisfies ChannelComponent<Config>;

function createAlertmanager(settings: Config, { clock, text }: ChannelDeps): Channel {
  const url = `${settings.url.replace(/\/+$/, '')}/api/v2/alerts`;
  const post = async (messages: readonly AlertMessage[], signal: AbortSignal) => {
    const until = clock.now() + REFRESHES * settings.refresh;
    for (let at = 0; at < messages.length; at += ALERTS_MAX) {
      const alerts = messages
        .slice(at, at + ALERTS_MAX)
        .map((message) => alertOf(message, until, settings, text));
      await postJson(url, JSON.stringify(alerts), settings.headers, signal);
    }
  };
  return {
    send: (message, signal) => post([message], signal),
    refresh: { everyMs: settings.refresh, send: post },
    close: () => Promise.resolve(),
  };
}

/** https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml, postableAlert */
function alertOf(message: AlertMessage, until: number, settings: Config, text: ChannelDeps['text']) {
  const { rule, severity, labels, since, resolved_at, samples, count } = message;
  const { subject, body } = textOf(message, settings.language, text);
  return {
    labels: { ...labels, alertname: rule, severity },
    annotations: {
      summary: subject.replace(/^\[[^\]]*\] \[[^\]]*\] /, ''),
      description: body,
      samples: samples.join(', '),
      count: String(count),
    },
    startsAt: new Date(since).toISOString(),
    endsAt: new Date(resolved_at ?? until).toISOString(),
    ...(text.link === undefined ? {} : { generatorURL: fillLink(text.link, message) }),
  };
}
