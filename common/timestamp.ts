/**
 * Timestamps of tracking logs: RFC 3339 in, one canonical text out, `2026-01-31T09:15:00.123456Z`: UTC, always
 * six digits of fraction. Canonical texts compare as times do, so the rest of Tranweave compares strings.
 */

const RFC3339 =
  /^(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:[.,](\d{1,9}))?(?:([Zz])|([+-])([01]\d|2[0-3]):?([0-5]\d))$/;

/** What ClickHouse's DateTime64 can hold; a year outside is a mistake in the input, not a time to keep. */
const YEAR_MIN = 1900;
const YEAR_MAX = 2299;

/**
 * The canonical text of an RFC 3339 timestamp, or undefined if it is not one: no zone, a day that does not exist
 * (30 February), an offset of more than 23:59, or a year outside 1900 to 2299. Digits beyond microseconds are cut, not rounded, so that a
 * timestamp never moves into the next second. A leap second (`:60`) becomes the next second's first moment.
 */
export function canonicalTimestamp(text: string): string | undefined {
  if (isCanonical(text)) return text;
  const m = RFC3339.exec(text);
  if (m === null) return undefined;
  const [year, month, day, hour, minute, second] = [+m[1]!, +m[2]!, +m[3]!, +m[4]!, +m[5]!, +m[6]!];
  // Date.UTC takes years below 100 for those of the 20th century.
  if (year < 100 || month < 1 || month > 12 || day < 1 || day > daysIn(year, month)) return undefined;
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

const DAY_MS = 86_400_000;

/** The canonical text of a wall time in milliseconds, as a clock gives it. */
export function timestampFromMillis(millis: number): string {
  // Thousands of logs are stamped within one millisecond, and nearly all of a batch within one day.
  if (millis === last.millis) return last.text;
  const day = Math.floor(millis / DAY_MS);
  if (day !== last.day) {
    last.day = day;
    last.dayText = new Date(day * DAY_MS).toISOString().slice(0, -'00:00:00.000Z'.length);
  }
  const ms = Math.trunc(millis) - day * DAY_MS;
  const [hours, minutes, seconds] = [
    Math.floor(ms / 3_600_000),
    Math.floor(ms / 60_000) % 60,
    Math.floor(ms / 1000) % 60,
  ];
  last.millis = millis;
  last.text = `${last.dayText}${twoDigits(hours)}:${twoDigits(minutes)}:${twoDigits(seconds)}.${threeDigits(ms % 1000)}000Z`;
  return last.text;
}
const last = { millis: NaN, text: '', day: NaN, dayText: '' };

/** Microseconds since 1970-01-01 UTC of a canonical text. Exact: such a number stays below 2^53 until the year 2255. */
export function microsOf(canonical: string): number {
  const n = (from: number, to: number) => numberAt(canonical, from, to);
  return Date.UTC(n(0, 4), n(5, 7) - 1, n(8, 10), n(11, 13), n(14, 16), n(17, 19)) * 1000 + n(20, 26);
}

/** The canonical text of that many microseconds earlier. */
export function minusMicros(canonical: string, micros: number): string {
  const whole = Math.round(micros);
  const intoMinute = microsIntoMinute(canonical);
  // Most steps are short and stay within their minute: no calendar is needed then.
  if (whole >= 0 && whole <= intoMinute) {
    const rest = intoMinute - whole;
    const seconds = Math.floor(rest / 1e6);
    const fraction = rest - seconds * 1e6;
    const millis = Math.floor(fraction / 1000);
    return `${canonical.slice(0, 17)}${twoDigits(seconds)}.${threeDigits(millis)}${threeDigits(fraction - millis * 1000)}Z`;
  }
  return timestampFromMicros(microsOf(canonical) - whole) ?? canonical;
}

const TWO_DIGITS = Array.from({ length: 100 }, (_, value) => String(value).padStart(2, '0'));
const THREE_DIGITS = Array.from({ length: 1000 }, (_, value) => String(value).padStart(3, '0'));

function twoDigits(value: number): string {
  return TWO_DIGITS[value] ?? '';
}

function threeDigits(value: number): string {
  return THREE_DIGITS[value] ?? '';
}

/**
 * text.charCodeAt(at). V8 keeps texts in many forms (read from JSON, cut, joined, used as names), and where more than a few of them come, it looks
 * the method up anew at each call, which was a twentieth of a processor's CPU. So it is taken from its prototype once.
 */
function codeAt(text: string, at: number): number {
  return charCodeAt.call(text, at);
}
// oxlint-disable-next-line typescript/unbound-method -- only ever called on a text
const charCodeAt: (this: string, at: number) => number = String.prototype.charCodeAt;

/** The number that the digits from one place up to another spell; NaN if one is no digit. */
function numberAt(text: string, from: number, to: number): number {
  let value = 0;
  for (let i = from; i < to; i += 1) {
    const digit = codeAt(text, i) - 48;
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

/** What utcFractionAt says of a text that is none. */
export const NO_UTC = -1;

/**
 * How many digits of fraction a time has, 0 to 9, that stands as bytes from one place up to another and is canonical but for their number,
 * as `2026-01-31T09:15:00.123Z` is; NO_UTC for all other texts.
 */
export function utcFractionAt(bytes: Uint8Array, from: number, to: number): number {
  const length = to - from;
  if (length < 20 || length === 21 || length > 30 || bytes[to - 1] !== 0x5a || bytes[from + 10] !== 0x54)
    return NO_UTC;
  if (bytes[from + 4] !== DASH || bytes[from + 7] !== DASH || (length > 20 && bytes[from + 19] !== 0x2e))
    return NO_UTC;
  if (bytes[from + 13] !== COLON || bytes[from + 16] !== COLON) return NO_UTC;
  const [year, month, day] = [
    numberIn(bytes, from, from + 4),
    numberIn(bytes, from + 5, from + 7),
    numberIn(bytes, from + 8, from + 10),
  ];
  if (!(year >= YEAR_MIN && year <= YEAR_MAX && month >= 1 && month <= 12 && day >= 1)) return NO_UTC;
  const [hour, minute] = [numberIn(bytes, from + 11, from + 13), numberIn(bytes, from + 14, from + 16)];
  if (!(day <= daysIn(year, month) && hour >= 0 && hour <= 23 && minute >= 0 && minute <= 59)) return NO_UTC;
  const second = numberIn(bytes, from + 17, from + 19);
  if (!(second >= 0 && second <= 59)) return NO_UTC;
  if (length === 20) return 0;
  return numberIn(bytes, from + 20, to - 1) >= 0 ? length - 21 : NO_UTC;
}

const [DASH, COLON] = [0x2d, 0x3a];

/** As numberAt; -1 if one is no digit. */
function numberIn(bytes: Uint8Array, from: number, to: number): number {
  let value = 0;
  for (let i = from; i < to; i += 1) {
    const digit = (bytes[i] ?? 0) - 48;
    if (digit < 0 || digit > 9) return -1;
    value = value * 10 + digit;
  }
  return value;
}

/** Milliseconds, with their fraction, from one canonical text to another. */
export function millisBetween(from: string, to: string): number {
  // Nearly always within one minute: no calendar is needed then.
  if (isSameMinute(from, to)) return (microsIntoMinute(to) - microsIntoMinute(from)) / 1000;
  return (microsOf(to) - microsOf(from)) / 1000;
}

function isSameMinute(a: string, b: string): boolean {
  // From the end, where they differ first.
  for (let i = 15; i >= 0; i -= 1) {
    if (codeAt(a, i) !== codeAt(b, i)) return false;
  }
  return true;
}

const ZERO = 48;

/** NaN of a text that is shorter than a canonical one. */
function microsIntoMinute(canonical: string): number {
  const seconds = codeAt(canonical, 17) * 10 + codeAt(canonical, 18) - ZERO * 11;
  const millis =
    codeAt(canonical, 20) * 100 + codeAt(canonical, 21) * 10 + codeAt(canonical, 22) - ZERO * 111;
  const micros =
    codeAt(canonical, 23) * 100 + codeAt(canonical, 24) * 10 + codeAt(canonical, 25) - ZERO * 111;
  return seconds * 1e6 + millis * 1e3 + micros;
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
