import { timeZone } from './time-zone.ts';

/** Times as people read them: in a zone of their own choice, and saying so. */

/**
 * @param name of a zone that there is: `Asia/Seoul`, `UTC`, `+09:00`.
 * @returns what makes `2026-01-31 18:15:00.123 +09:00` of a canonical time (common/timestamp.ts).
 */
export function zonedTime(name: string): (text: string) => string {
  const zone = timeZone(name);
  if (zone === undefined) throw new RangeError(`${name} is not a time zone`);
  return (text) => {
    const at = Date.parse(`${text.slice(0, 23).replace(' ', 'T')}Z`);
    const offset = zone.offsetAt(at);
    const wall = new Date(at + offset).toISOString().slice(0, 23).replace('T', ' ');
    return `${wall} ${offset === 0 ? 'UTC' : inHours(offset)}`;
  };
}

function inHours(offset: number): string {
  const minutes = Math.trunc(Math.abs(offset) / 60_000);
  const two = (part: number) => String(part).padStart(2, '0');
  return `${offset < 0 ? '-' : '+'}${two(Math.trunc(minutes / 60))}:${two(minutes % 60)}`;
}
