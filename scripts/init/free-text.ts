import { compileGrok } from '../../collector/decoders/grok.ts';
import { shareOf } from './sample.ts';
import type { Shape } from './shape.ts';

/** What lines of programs begin with, each tried once in this order. */
const TIMES = [
  '%{TIMESTAMP_ISO8601:time}',
  String.raw`(?<time>\d{4}[/.]\d{2}[/.]\d{2} \d{2}:\d{2}:\d{2}(?:[.,]\d+)?)`,
  String.raw`(?<time>\d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2}(?:[.,]\d+)?)`,
  String.raw`(?<time>\d{2}[-/][A-Z][a-z]{2}[-/]\d{4}[ :]\d{2}:\d{2}:\d{2}(?:[.,]\d+)?)`,
  String.raw`(?<time>[A-Z][a-z]{2} [ \d]\d \d{2}:\d{2}:\d{2}(?:[.,]\d+)?)`,
  String.raw`(?<time>\d{2}[-/.]\d{2}[-/.]\d{4} \d{2}:\d{2}:\d{2}(?:[.,]\d+)?)`,
  String.raw`(?<time>\d{14,17})`,
];
const PARTS = [
  String.raw`\[ *%{LOGLEVEL:level} *\] +`,
  String.raw`\[(?<thread>[^\]]*)\] +`,
  String.raw`%{LOGLEVEL:level}:? +`,
  String.raw`\[(?<thread>[^\]]*)\] +`,
  String.raw`\[%{JAVACLASS:logger}\] +`,
  String.raw`%{JAVACLASS:logger} +- +`,
  String.raw`%{JAVACLASS:logger}: +`,
  String.raw`[-:] +`,
];
/** An id at the beginning of the text, or behind a word that says so. */
const IDS = [
  String.raw`\[(?<id>[A-Za-z]+[-_]?\d[\w-]*)\] *`,
  String.raw`(?:[^\n]*?[\s\[(,;])?(?i:txn?|trx|transaction|tx|order|msg|message|request|correlation)[-_. ]?(?i:id|no|key)?[=:] ?(?<id>[\w-]*\d[\w-]*)`,
];
const ACCESS_LOGS = ['^%{COMBINEDAPACHELOG}', '^%{COMMONAPACHELOG}'];
const SHARE = 0.95;
/** Of the lines of a program so many speak of a transaction at least, if any do. */
const ID_SHARE = 0.2;

/** What programs write for people: a time, a thread, a level, a class, and a text in which an id may stand. */
export function guessFreeText(records: readonly string[]): Shape | undefined {
  const access = ACCESS_LOGS.find((pattern) => shareFound(records, pattern) >= SHARE);
  if (access !== undefined) {
    return {
      decoder: { type: 'regex', patterns: access },
      decoderWhy: 'its lines are those of a web server’s access log',
    };
  }
  const head = headOf(records);
  if (head === undefined) return undefined;
  const hasStack = records.some((record) => record.includes('\n'));
  const [flags, tail] = hasStack
    ? ['(?s)', String.raw`(?<text>[^\n]*)(?:\n(?<stack>.*))?$`]
    : ['', '%{GREEDYDATA:text}$'];
  const id = IDS.find((pattern) => shareFound(records, `${flags}${head}${pattern}`) >= ID_SHARE);
  const plain = `${flags}${head}${tail}`;
  const withId = id === undefined ? undefined : `${flags}${head}${id}${tail}`;
  const isAlways = withId !== undefined && shareFound(records, withId) === 1;
  return {
    decoder: { type: 'regex', patterns: withId === undefined ? plain : isAlways ? withId : [withId, plain] },
    decoderWhy:
      'its lines begin with a time, as programs write them; what is told apart stands in the names of the groups',
    ...(withId !== undefined && !isAlways ? { skipWithout: 'id' } : {}),
  };
}

/** The pattern of what all lines begin with. */
function headOf(records: readonly string[]): string | undefined {
  const time = TIMES.flatMap((pattern) => [`^${pattern}:? +`, String.raw`^\[${pattern}\] +`]).find(
    (pattern) => shareFound(records, pattern) >= SHARE,
  );
  if (time === undefined) return undefined;
  let head = time;
  for (const part of PARTS) {
    const name = /[:<](\w+)[>}]/.exec(part)?.[1];
    if (name !== undefined && new RegExp(`[:<]${name}[>}]`).test(head)) continue;
    if (shareFound(records, head + part) >= SHARE) head += part;
  }
  return head;
}

function shareFound(records: readonly string[], pattern: string): number {
  const grok = compileGrok(pattern, {});
  if (typeof grok === 'string') return 0;
  return shareOf(records, (record) => grok.regex.test(record));
}
