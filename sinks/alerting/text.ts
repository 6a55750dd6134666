import { durationText } from '../../common/config-values.ts';
import { timestampFromMillis } from '../../common/timestamp.ts';
import { zonedTime } from '../../common/zoned-time.ts';
import type { AlertsConfig } from './config.ts';
import type { AlertMessage } from './message.ts';
import { fillLink } from './placeholders.ts';
import { english } from './words-en.ts';
import { korean } from './words-ko.ts';

/** Messages as people read them. */

export type Language = 'en' | 'ko';

export interface TextSettings {
  /** IANA name: the zone of times. */
  timeZone: string;
  /** A link with placeholders; undefined if there is none. */
  link: string | undefined;
}

export function textSettings({ time_zone, link }: AlertsConfig): TextSettings {
  return { timeZone: time_zone, link };
}

/** What a language says; everything else is the same in all of them. */
export interface Words {
  kinds: Readonly<Record<AlertMessage['kind'], string>>;
  severities: Readonly<Record<string, string>>;
  /** What happened, in one line without who and where: `4,000 transactions failed`. */
  happened(message: AlertMessage, format: Formats): string;
  /** Names of labels and of lines. */
  names: Readonly<Record<string, string>>;
  also(count: number): string;
  added(added: string): string;
  cleared(cleared: string): string;
}

export interface Formats {
  number: (value: number) => string;
  percent: (share: number) => string;
  duration: (ms: number) => string;
}

const FORMATS: Formats = {
  number: (value) => new Intl.NumberFormat('en-US').format(value),
  percent: (share) => `${Number((share * 100).toFixed(2))}%`,
  duration: (ms) => {
    if (ms < 1000) return `${Math.round(ms)}ms`;
    return ms < 60_000 ? `${Number((ms / 1000).toFixed(1))}s` : durationText(Math.round(ms / 1000) * 1000);
  },
};

const WORDS: Readonly<Record<Language, Words>> = { en: english, ko: korean };

export interface AlertText {
  /** One line: state, severity, rule, where, what. */
  subject: string;
  /** Lines of name and value. */
  body: string;
}

export function textOf(message: AlertMessage, language: Language, settings: TextSettings): AlertText {
  const words = WORDS[language];
  const what = words.happened(message, FORMATS);
  const where = placeOf(message);
  const state = words.kinds[message.kind];
  const severity = words.severities[message.severity] ?? message.severity;
  const subject = `[${state}] [${severity}] ${message.rule}: ${where === '' ? '' : `${where}: `}${what}`;
  return { subject, body: `${linesOf(message, words, settings, what).join('\n')}\n` };
}

/** `shop-order / receive / wms / E42`: the labels of the group, in the order in which they narrow down. */
function placeOf({ labels }: AlertMessage): string {
  return ['interface', 'step', 'branch', 'error_code', 'input', 'stage']
    .flatMap((label) => labels[label] || [])
    .join(' / ');
}

function linesOf(message: AlertMessage, words: Words, settings: TextSettings, what: string): string[] {
  const time = zonedTime(settings.timeZone);
  const at = (millis: number | null) => (millis === null ? '' : time(timestampFromMillis(millis)));
  const { names } = words;
  const isCount = ['failed', 'timed_out', 'slow', 'dead_letters', 'failure_rate'].includes(message.type);
  const counts = [
    FORMATS.number(message.count),
    message.kind === 'firing' || message.added === 0 ? [] : words.added(FORMATS.number(message.added)),
    message.cleared === 0 ? [] : words.cleared(FORMATS.number(message.cleared)),
  ].flat();
  const link = settings.link === undefined ? '' : fillLink(settings.link, message);
  const lines: [string, string][] = [
    ['what', what],
    ...Object.entries(message.labels),
    ['target_system', message.target_system],
    ['error_message', message.error_message],
    ['since', at(message.since)],
    ['last', message.last_at === message.since ? '' : at(message.last_at)],
    ['resolved', at(message.resolved_at)],
    ['count', isCount ? counts.join(', ') : ''],
    ['samples', message.samples.join(', ')],
    ['look', lookOf(message)],
    ['link', link],
    ['rule', `${message.rule} (${message.type})`],
  ];
  const shown = lines.filter(([, value]) => value !== '');
  const width = Math.max(...shown.map(([name]) => widthOf(names[name] ?? name)));
  return [
    ...shown.map(([name, value]) => {
      const title = names[name] ?? name;
      return `${title}${' '.repeat(width - widthOf(title))}  ${value.replaceAll(/\s*\n\s*/g, ' ')}`;
    }),
    ...alsoLines(message, words),
  ];
}

function alsoLines({ also, also_count }: AlertMessage, words: Words): string[] {
  if (also_count === 0) return [];
  return [
    '',
    words.also(also_count),
    ...also.map(
      ({ labels, count }) => `  ${Object.values(labels).join(' / ')}${count > 0 ? `  ${count}` : ''}`,
    ),
  ];
}

/** The command that shows more. */
function lookOf({ type, samples }: AlertMessage): string {
  const [first] = samples;
  if (type === 'dead_letters')
    return first === undefined
      ? 'tranweave dead-letters list'
      : `tranweave dead-letters show ${quoted(first)}`;
  return first === undefined ? '' : `tranweave trace ${quoted(first)}`;
}

function quoted(text: string): string {
  return /^[\w.:@/-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;
}

/** Korean letters take two columns. */
function widthOf(text: string): number {
  return text.length + (text.match(/[\u1100-\uFFDC]/g)?.length ?? 0);
}
