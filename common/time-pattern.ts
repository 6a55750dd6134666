import { fixedTimeReader } from './fixed-time.ts';
import { canonicalTimestamp, timestampFromMicros } from './timestamp.ts';
import type { TimeZone } from './time-zone.ts';

/**
 * Timestamps as people's logs write them → canonical texts (timestamp.ts). Patterns use the letters that Java's
 * DateTimeFormatter made common; they are compiled once, and a fixed pattern costs one regular expression a time.
 */
export interface TimePattern {
  /**
   * The canonical text, or undefined if the text does not fit the pattern or is no real date.
   *
   * @param near ms since 1970. Of a pattern without a year, the time of that text that is nearest to it.
   */
  parse(text: string, near: number): string | undefined;
}

interface Part {
  regex: string;
  field?: Field;
}
type Field =
  | 'year'
  | 'shortYear'
  | 'month'
  | 'monthName'
  | 'day'
  | 'hour'
  | 'hour12'
  | 'minute'
  | 'second'
  | 'fraction'
  | 'meridiem'
  | 'offset';

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];

const [OFFSET_HOUR, OFFSET_MINUTE] = [String.raw`[+-](?:[01]\d|2[0-3])`, String.raw`:?[0-5]\d`];

/** Longest first, since they are tried in this order. */
const TOKENS: readonly [string, Part][] = [
  ['yyyy', { regex: String.raw`(\d{4})`, field: 'year' }],
  ['yy', { regex: String.raw`(\d\d)`, field: 'shortYear' }],
  ['MMMM', { regex: '([A-Za-z]{3,9})', field: 'monthName' }],
  ['MMM', { regex: '([A-Za-z]{3,9})', field: 'monthName' }],
  ['MM', { regex: String.raw`(\d\d)`, field: 'month' }],
  ['M', { regex: String.raw`(\d\d?)`, field: 'month' }],
  ['dd', { regex: String.raw`(\d\d)`, field: 'day' }],
  ['d', { regex: String.raw` ?(\d\d?)`, field: 'day' }],
  ['HH', { regex: String.raw`(\d\d)`, field: 'hour' }],
  ['H', { regex: String.raw` ?(\d\d?)`, field: 'hour' }],
  ['hh', { regex: String.raw`(\d\d)`, field: 'hour12' }],
  ['h', { regex: String.raw` ?(\d\d?)`, field: 'hour12' }],
  ['mm', { regex: String.raw`(\d\d)`, field: 'minute' }],
  ['ss', { regex: String.raw`(\d\d)`, field: 'second' }],
  ['a', { regex: '([AaPp][Mm]|오전|오후)', field: 'meridiem' }],
  ['XXX', { regex: `(Z|${OFFSET_HOUR}${OFFSET_MINUTE})`, field: 'offset' }],
  ['X', { regex: `(Z|${OFFSET_HOUR}(?:${OFFSET_MINUTE})?)`, field: 'offset' }],
  ['Z', { regex: `(Z|${OFFSET_HOUR}${OFFSET_MINUTE})`, field: 'offset' }],
];

/** Patterns with a name of their own. */
const NAMED: Readonly<Record<string, (text: string, zone: TimeZone) => string | undefined>> = {
  rfc3339: (text) => canonicalTimestamp(text),
  epoch_s: (text) => fromEpoch(text, 1e6),
  epoch_ms: (text) => fromEpoch(text, 1e3),
  epoch_us: (text) => fromEpoch(text, 1),
};

/** What is wrong with a pattern, in words for whoever wrote it; undefined if nothing is. */
export function patternProblem(pattern: string): string | undefined {
  if (NAMED[pattern] !== undefined) return undefined;
  const compiled = compile(pattern);
  if (typeof compiled === 'string') return compiled;
  const fields = new Set(compiled.fields);
  if (!fields.has('month') && !fields.has('monthName')) return 'has no month (MM or MMM)';
  if (!fields.has('day')) return 'has no day (dd)';
  if (fields.size !== compiled.fields.length) return 'has a part twice';
  return fields.has('hour12') && !fields.has('meridiem') ? 'has hh without a (am or pm); use HH' : undefined;
}

/** @param zone of texts that do not name one. Throws a TypeError for a pattern with a problem. */
export function compileTimePattern(pattern: string, zone: TimeZone): TimePattern {
  const named = NAMED[pattern];
  if (named !== undefined) return { parse: (text) => named(text, zone) };
  const compiled = compile(pattern);
  if (typeof compiled === 'string') throw new TypeError(`${pattern} ${compiled}`);
  const { regex, fields } = compiled;
  const readFixed = fixedTimeReader(pattern, zone);
  if (readFixed !== undefined) return { parse: readFixed };
  return {
    parse: (text, near) => {
      const m = regex.exec(text);
      return m === null ? undefined : toCanonical(foundIn(m, fields), zone, near);
    },
  };
}

function compile(pattern: string): { regex: RegExp; fields: Field[] } | string {
  const fields: Field[] = [];
  let regex = '';
  let rest = pattern;
  while (rest !== '') {
    const literal = /^'((?:[^']|'')*)'/.exec(rest);
    const fraction = /^S{1,9}/.exec(rest)?.[0];
    const token = TOKENS.find(([letters]) => rest.startsWith(letters));
    if (literal !== null) {
      regex += escapeRegex(literal[1] === '' ? "'" : (literal[1] ?? '').replaceAll("''", "'"));
      rest = rest.slice(literal[0].length);
    } else if (fraction !== undefined) {
      regex += `(\\d{${fraction.length}})`;
      fields.push('fraction');
      rest = rest.slice(fraction.length);
    } else if (token !== undefined) {
      const [letters, part] = token;
      regex += part.regex;
      if (part.field !== undefined) fields.push(part.field);
      rest = rest.slice(letters.length);
    } else if (/^[A-Za-z]/.test(rest)) {
      return rest.startsWith('T')
        ? "has the letter T as it stands: write 'T' in quotes"
        : `has the letter ${rest[0]}, which is not known; literal letters go in quotes`;
    } else {
      regex += escapeRegex(rest[0] ?? '');
      rest = rest.slice(1);
    }
  }
  return { regex: new RegExp(`^${regex}$`), fields };
}

function escapeRegex(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, String.raw`\$&`);
}

type Found = Partial<Record<Field, string>>;

function foundIn(m: RegExpExecArray, fields: readonly Field[]): Found {
  const found: Found = {};
  fields.forEach((field, index) => {
    found[field] = m[index + 1] ?? '';
  });
  return found;
}

function toCanonical(found: Found, zone: TimeZone, near: number): string | undefined {
  const micros = Number((found.fraction ?? '').slice(0, 6).padEnd(6, '0'));
  const utc = yearsOf(found, near)
    .map((year) => utcOf(found, year, zone))
    .filter((time) => time !== undefined)
    .toSorted((a, b) => Math.abs(a - near) - Math.abs(b - near))[0];
  return utc === undefined ? undefined : timestampFromMicros(utc * 1000 + micros);
}

/** The years that may be meant. */
function yearsOf(found: Found, near: number): number[] {
  if (found.year !== undefined) return [Number(found.year)];
  if (found.shortYear !== undefined) return [2000 + Number(found.shortYear)];
  const year = new Date(near).getUTCFullYear();
  return [year, year - 1, year + 1];
}

/** Undefined if there is no such time in that year. */
function utcOf(found: Found, year: number, zone: TimeZone): number | undefined {
  const month =
    found.monthName === undefined
      ? Number(found.month)
      : MONTHS.indexOf(found.monthName.slice(0, 3).toLowerCase()) + 1;
  const day = Number(found.day);
  const [hour, minute, second] = [hourOf(found), Number(found.minute ?? 0), Number(found.second ?? 0)];
  // Date.UTC takes years below 100 for those of the 20th century.
  if (year < 100 || month < 1 || month > 12 || hour > 23 || minute > 59 || second > 60) return undefined;
  const wall = Date.UTC(year, month - 1, day, hour, minute, second);
  // A day that does not exist rolls over into the next month.
  if (day < 1 || new Date(Date.UTC(year, month - 1, day)).getUTCDate() !== day) return undefined;
  return found.offset === undefined ? zone.toUtc(wall) : wall - offsetMillis(found.offset);
}

function hourOf(found: Found): number {
  if (found.hour12 === undefined) return Number(found.hour ?? 0);
  const hour = Number(found.hour12);
  if (hour < 1 || hour > 12) return 24;
  return (hour % 12) + (/^(p|오후)/i.test(found.meridiem ?? '') ? 12 : 0);
}

function offsetMillis(text: string): number {
  const m = /^([+-])(\d\d):?(\d\d)?$/.exec(text);
  if (m === null) return 0;
  return (m[1] === '-' ? -60_000 : 60_000) * (Number(m[2]) * 60 + Number(m[3] ?? 0));
}

function fromEpoch(text: string, microsPerUnit: number): string | undefined {
  return /^-?\d{1,17}(\.\d{1,9})?$/.test(text)
    ? timestampFromMicros(Math.round(Number(text) * microsPerUnit))
    : undefined;
}
