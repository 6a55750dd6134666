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
  // The common case, already canonical, costs one test of its shape and one of its date.
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
  return new Date(millis).toISOString().replace('Z', '000Z');
}

/** Microseconds since 1970-01-01 UTC of a canonical text. Exact: such a number stays below 2^53 until the year 2255. */
export function microsOf(canonical: string): number {
  return Date.parse(`${canonical.slice(0, 19)}Z`) * 1000 + Number(canonical.slice(20, 26));
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

function daysIn(year: number, month: number): number {
  return new Date(Date.UTC(year, month, 0)).getUTCDate();
}
