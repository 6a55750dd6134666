import * as v from 'valibot';
import { noFields, notText } from './decoder.ts';
import type { DecoderComponent } from './decoder.ts';
import type { Fields } from '../outcome.ts';
import { readStructuredData } from './structured-data.ts';

const config = v.strictObject({
  type: v.literal('syslog'),
});

/**
 * Messages of syslog as RFC 5424 and RFC 3164 have them, told apart by the version behind the priority. Nothing is made of the
 * time but a text: RFC 3164 writes no year and no zone.
 */
export const syslogDecoder = {
  type: 'syslog',
  summary:
    'Each record is a syslog message, RFC 5424 or RFC 3164, with its priority or (as in files) without. Fields: `priority`, `facility`, `severity`, `timestamp`, `hostname`, `app_name`, `procid`, `msgid`, `structured_data` (an object by id, of objects by name) and `message`; what the message has not is left out. Times of RFC 3164 have no year: `time: [rfc3339, MMM d HH:mm:ss]` reads both.',
  example: 'decoder: { type: syslog }',
  config,
  create: (_, { charset }) => ({
    decode: ({ bytes }) => {
      const text = charset.decode(bytes);
      if (text === undefined) return { error: notText(charset) };
      const fields = noFields();
      const problem = readMessage(text, fields);
      return problem === undefined ? { fields: [fields] } : { error: problem };
    },
  }),
} satisfies DecoderComponent<v.InferOutput<typeof config>>;

// RFC 5424 6.2.1
const FACILITIES = (
  'kern user mail daemon auth syslog lpr news uucp cron authpriv ftp ntp audit alert clock ' +
  'local0 local1 local2 local3 local4 local5 local6 local7'
).split(' ');
const SEVERITIES = ['emerg', 'alert', 'crit', 'err', 'warning', 'notice', 'info', 'debug'];
const PRIORITY_MAX = FACILITIES.length * SEVERITIES.length - 1;

/** Puts the message's parts into `fields`, or says why it cannot. */
function readMessage(text: string, fields: Fields): string | undefined {
  const priority = /^<(\d{1,3})>/.exec(text);
  if (text.startsWith('<')) {
    const number = Number(priority?.[1] ?? Infinity);
    if (number > PRIORITY_MAX) return `has no priority like <134> at its beginning, up to <${PRIORITY_MAX}>`;
    fields['priority'] = String(number);
    fields['facility'] = FACILITIES[Math.floor(number / SEVERITIES.length)];
    fields['severity'] = SEVERITIES[number % SEVERITIES.length];
  }
  const rest = text.slice(priority?.[0].length ?? 0);
  return /^\d{1,2} /.test(rest) && priority !== null ? readNew(text, fields) : readOld(rest, fields);
}

const HEADER_5424 =
  /^<\d{1,3}>(?<version>\d{1,2}) (?<timestamp>-|\S{1,64}) (?<hostname>\S{1,255}) (?<app_name>\S{1,255}) (?<procid>\S{1,128}) (?<msgid>\S{1,64}) /;

/** RFC 5424: `<134>1 2026-01-31T18:15:00.123+09:00 host app 123 ID [id name="value"] message` */
function readNew(text: string, fields: Fields): string | undefined {
  const header = HEADER_5424.exec(text);
  if (header === null)
    return 'has no header as RFC 5424 wants it: version, time, host, application, process, id';
  for (const [name, value] of Object.entries(header.groups ?? {})) if (value !== '-') fields[name] = value;
  const data = readStructuredData(text, header[0].length);
  if ('problem' in data) return data.problem;
  if (data.elements !== undefined) fields['structured_data'] = data.elements;
  if (data.end === text.length) return undefined;
  if (text.charAt(data.end) !== ' ') return 'has no space between its structured data and its message';
  // What tells that the message is UTF-8 (6.4).
  putMessage(fields, text.slice(data.end + 1).replace(/^\uFEFF/, ''));
  return undefined;
}

/** As BSD wrote it, with a year where some devices put one, or as the daemons of today write it into files: RFC 3339. */
const TIME_3164 =
  /^(?:(?<old>[A-Z][a-z]{2} [ \d]\d (?:\d{4} )?\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?)|(?<iso>\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?(?:Z|[+-]\d{2}:?\d{2}))) /;
const TAG = /^(?<app_name>[^\s:[\]]{1,255})(?:\[(?<procid>[^\]\s]{1,128})\])?: ?/;

/** RFC 3164: `Jan 31 18:15:00 host app[123]: message`. What follows the host may be anything (4.1.3). */
function readOld(text: string, fields: Fields): string | undefined {
  const time = TIME_3164.exec(text);
  if (time === null) return 'has no time as RFC 3164 or RFC 5424 wants it behind its priority';
  fields['timestamp'] = time.groups?.['old'] ?? time.groups?.['iso'];
  const host = /^(\S{1,255}) /.exec(text.slice(time[0].length));
  if (host === null) return 'has no host behind its time';
  fields['hostname'] = host[1];
  const rest = text.slice(time[0].length + host[0].length);
  const tag = TAG.exec(rest);
  for (const [name, value] of Object.entries(tag?.groups ?? {}))
    if (value !== undefined) fields[name] = value;
  putMessage(fields, rest.slice(tag?.[0].length ?? 0));
  return undefined;
}

function putMessage(fields: Fields, message: string): void {
  if (message !== '') fields['message'] = message;
}
