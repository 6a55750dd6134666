import { timestampFromMicros } from './timestamp.ts';
import type { TimeZone } from './time-zone.ts';

/**
 * Times whose every digit has its place (`yyyyMMddHHmmssSSS`, `yyyy-MM-dd HH:mm:ss.SSS`), read by these places: what most logs
 * have, without a regular expression and what it allocates.
 */
export type FixedTimeReader = (text: string) => string | undefined;

/** Letters of a pattern by what they are of; each a part that is there once. */
const LETTERS = ['yyyy', 'MM', 'dd', 'HH', 'mm', 'ss'];

/** Undefined if the pattern is not of that kind. @param zone of the texts. */
export function fixedTimeReader(pattern: string, zone: TimeZone): FixedTimeReader | undefined {
  const [year, month, day, hour, minute, second] = LETTERS.map((letters) => pattern.indexOf(letters));
  const fraction = /S+/.exec(pattern);
  const literals = [...pattern.matchAll(/[^a-zA-Z]/g)].map(({ 0: letter, index: at }) => ({ letter, at }));
  const lettersLength = LETTERS.join('').length + (fraction?.[0].length ?? 0);
  const isFixed = lettersLength + literals.length === pattern.length && !pattern.includes("'");
  if (!isFixed || [year, month, day, hour, minute, second].some((at) => at === undefined || at < 0)) {
    return undefined;
  }
  const length = pattern.length;
  const fractionAt = fraction?.index ?? 0;
  const fractionEnd = fractionAt + Math.min(fraction?.[0].length ?? 0, 6);
  const fractionAllEnd = fractionAt + (fraction?.[0].length ?? 0);
  const microsOfUnit = 10 ** (6 - (fractionEnd - fractionAt));
  return (text) => {
    if (text.length !== length || literals.some(({ letter, at }) => text[at] !== letter)) return undefined;
    const two = (at = 0) => numberAt(text, at, at + 2);
    const [years, months, days] = [numberAt(text, year!, year! + 4), two(month), two(day)];
    const [hours, minutes, seconds] = [two(hour), two(minute), two(second)];
    const micros = numberAt(text, fractionAt, fractionEnd) * microsOfUnit;
    // False for what is no number, too.
    const isTime = months >= 1 && months <= 12 && days >= 1 && hours <= 23 && minutes <= 59 && seconds <= 60;
    if (!isTime || !(years >= 100 && numberAt(text, fractionEnd, fractionAllEnd) >= 0 && micros >= 0)) {
      return undefined;
    }
    // A day that does not exist rolls over into the next month.
    if (days > 28 && new Date(Date.UTC(years, months - 1, days)).getUTCDate() !== days) return undefined;
    const wall = Date.UTC(years, months - 1, days, hours, minutes, seconds);
    return timestampFromMicros(zone.toUtc(wall) * 1000 + micros);
  };
}

/** The number that the digits from one place up to another spell; NaN if one is no digit, 0 if there are none. */
function numberAt(text: string, from: number, to: number): number {
  let value = 0;
  for (let at = from; at < to; at += 1) {
    const digit = text.charCodeAt(at) - 48;
    if (!(digit >= 0 && digit <= 9)) return NaN;
    value = value * 10 + digit;
  }
  return value;
}
