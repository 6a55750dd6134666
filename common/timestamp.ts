/**
 * Timestamps of tracking logs: RFC 3339 in, one canonical text out, `2026-01-31T09:15:00.123456Z`: UTC, always
 * six digits of fraction. Canonical texts compare as times do, so the rest of Tranweave compares strings.
 */

const RFC3339 =
  /^(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:[.,](\d{1,9}))?(?:([Zz])|([+-])(\d\d):?(\d\d))$/;

/** What ClickHouse's DateTime64 can hold; a year outside is a mistake in the input, not a time to keep. */
const YEAR_MIN = 1900;
const YEAR_MAX = 2299;

/**
 * The canonical text of an RFC 3339 timestamp, or undefined if it is not one: no zone, a day that does not exist
 * (30 February), or a year outside 1900 to 2299. Digits beyond microseconds are cut, not rounded, so that a
 * timestamp never moves into the next second. A leap second (`:60`) becomes the next second's first moment.
 */
export function canonicalTimestamp(text: string): string | undefined {
  if (isCanonical(text)) return text;
  const m = RFC3339.exec(text);
  if (m === null) return undefined;
  const [year, month, day, hour, minute, second] = [+m[1]!, +m[2]!, +m[3]!, +m[4]!, +m[5]!, +m[6]!];
  if (month < 1 || month > 12 || day < 1 || day > daysIn(year, month)) return undefined;
  if (hour > 23 || minute > 59 || second > 60) return undefined;
  const offsetMinutes = m[9] === undefined ? 0 : (m[9] === '-' ? -1 : 1) * (+m[10]! * 60 + +m[11]!);
  const micros = (m[7] ?? '').slice(0, 6).padEnd(6, '0');
  if (offsetMinutes === 0 && second < 60 && year >= YEAR_MIN && year <= YEAR_MAX) {
    return `${m[1]}-${m[2]}-${m[3]}T${m[4]}:${m[5]}:${m[6]}.${micros}Z`;
  }
  return fromEpochSeconds(
    Date.UTC(year, month - 1, day, hour, minute, second) / 1000 - offsetMinutes * 60,
    micros,
  );
}

/** The canonical text of a number of microseconds since 1970-01-01 UTC, or undefined outside 1900 to 2299. */
export function timestampFromMicros(micros: number): string | undefined {
  if (!Number.isFinite(micros)) return undefined;
  const whole = Math.floor(micros);
  const seconds = Math.floor(whole / 1e6);
  return fromEpochSeconds(seconds, String(whole - seconds * 1e6).padStart(6, '0'));
}

/** The canonical text of a wall time in milliseconds, as a clock gives it. */
export function timestampFromMillis(millis: number): string {
  if (millis === lastMillis) return lastText;
  lastMillis = millis;
  lastText = new Date(millis).toISOString().replace('Z', '000Z');
  return lastText;
}
// Thousands of logs are stamped within one millisecond.
let lastMillis = NaN;
let lastText = '';

/** Microseconds since 1970-01-01 UTC of a canonical text. Exact: such a number stays below 2^53 until the year 2255. */
export function microsOf(canonical: string): number {
  const n = (from: number, to: number) => numberAt(canonical, from, to);
  return Date.UTC(n(0, 4), n(5, 7) - 1, n(8, 10), n(11, 13), n(14, 16), n(17, 19)) * 1000 + n(20, 26);
}

/** The canonical text of that many microseconds earlier. */
export function minusMicros(canonical: string, micros: number): string {
  const whole = Math.round(micros);
  const intoMinute = numberAt(canonical, 17, 19) * 1e6 + numberAt(canonical, 20, 26);
  // Most steps are short and stay within their minute: no calendar is needed then.
  if (whole >= 0 && whole <= intoMinute) {
    const rest = intoMinute - whole;
    const seconds = Math.floor(rest / 1e6);
    return `${canonical.slice(0, 17)}${pad(seconds, 2)}.${pad(rest - seconds * 1e6, 6)}Z`;
  }
  return timestampFromMicros(microsOf(canonical) - whole) ?? canonical;
}

function pad(value: number, digits: number): string {
  return String(value).padStart(digits, '0');
}

/** The number that the digits from one place up to another spell; NaN if one is no digit. */
function numberAt(text: string, from: number, to: number): number {
  let value = 0;
  for (let i = from; i < to; i += 1) {
    const digit = text.charCodeAt(i) - 48;
    if (!(digit >= 0 && digit <= 9)) return NaN;
    value = value * 10 + digit;
  }
  return value;
}

/** Whether a text is canonical already, the common case, at the cost of looking at its characters once. */
function isCanonical(text: string): boolean {
  if (text.length !== 27 || text[26] !== 'Z' || text[10] !== 'T' || text[19] !== '.') return false;
  if (text[4] !== '-' || text[7] !== '-' || text[13] !== ':' || text[16] !== ':') return false;
  const [year, month, day] = [numberAt(text, 0, 4), numberAt(text, 5, 7), numberAt(text, 8, 10)];
  if (!(year >= YEAR_MIN && year <= YEAR_MAX && month >= 1 && month <= 12 && day >= 1)) return false;
  if (!(day <= daysIn(year, month) && numberAt(text, 11, 13) <= 23 && numberAt(text, 14, 16) <= 59))
    return false;
  return numberAt(text, 17, 19) <= 59 && numberAt(text, 20, 26) >= 0;
}

/** Milliseconds, with their fraction, from one canonical text to another. */
export function millisBetween(from: string, to: string): number {
  return (microsOf(to) - microsOf(from)) / 1000;
}

function fromEpochSeconds(seconds: number, micros: string): string | undefined {
  const date = new Date(seconds * 1000);
  const year = date.getUTCFullYear();
  if (!(year >= YEAR_MIN && year <= YEAR_MAX)) return undefined;
  return `${date.toISOString().slice(0, 19)}.${micros}Z`;
}

const DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

function daysIn(year: number, month: number): number {
  const leap = month === 2 && year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  return leap ? 29 : (DAYS[month - 1] ?? 0);
}
