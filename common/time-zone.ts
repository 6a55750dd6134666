/** Wall times of a named zone, by the IANA data that comes with Node. */

const QUARTER_HOUR_MS = 900_000;
/** Logs come from a few days; past this many quarter hours the cache of a zone starts anew. */
const CACHED_QUARTERS_MAX = 10_000;

export interface TimeZone {
  name: string;
  /** UTC in ms since 1970 of a wall time given as if it were UTC. A time that the clock skipped or showed twice is taken before the change. */
  toUtc(wallMillis: number): number;
  /** How far the wall time is ahead of UTC then, in ms. */
  offsetAt(utcMillis: number): number;
}

/** Undefined if there is no zone of that name: `Asia/Seoul`, `UTC`, `+09:00`. */
export function timeZone(name: string): TimeZone | undefined {
  const fixed = /^([+-])([01]\d|2[0-3]):([0-5]\d)$/.exec(name);
  if (fixed !== null) {
    const offset = (fixed[1] === '-' ? -60_000 : 60_000) * (Number(fixed[2]) * 60 + Number(fixed[3]));
    return { name, toUtc: (wallMillis) => wallMillis - offset, offsetAt: () => offset };
  }
  let format: Intl.DateTimeFormat;
  try {
    format = new Intl.DateTimeFormat('en-US', { timeZone: name, timeZoneName: 'longOffset' });
  } catch {
    return undefined;
  }
  const offsets = new Map<number, number>();
  // Zones change their offset on quarter hours only, so one look a quarter hour is enough.
  const offsetAt = (utcMillis: number): number => {
    const quarter = Math.floor(utcMillis / QUARTER_HOUR_MS);
    const known = offsets.get(quarter);
    if (known !== undefined) return known;
    const offset = offsetOf(format, quarter * QUARTER_HOUR_MS);
    if (offsets.size >= CACHED_QUARTERS_MAX) offsets.clear();
    offsets.set(quarter, offset);
    return offset;
  };
  return {
    name,
    offsetAt,
    toUtc: (wallMillis) => {
      // The offset that held a day before the wall time; if it still gives that wall time it is right, else the later one is.
      const before = wallMillis - offsetAt(wallMillis - 86_400_000);
      if (before + offsetAt(before) === wallMillis) return before;
      const after = wallMillis - offsetAt(wallMillis + 86_400_000);
      return after + offsetAt(after) === wallMillis ? after : before;
    },
  };
}

function offsetOf(format: Intl.DateTimeFormat, utcMillis: number): number {
  const name = format.formatToParts(utcMillis).find((part) => part.type === 'timeZoneName')?.value ?? '';
  // "GMT", "GMT+09:00", "GMT-03:30", and "GMT+08:27:52" before zones were standard.
  const m = /^GMT(?:([+-])(\d\d):(\d\d)(?::(\d\d))?)?$/.exec(name);
  if (m?.[1] === undefined) return 0;
  const seconds = Number(m[2]) * 3600 + Number(m[3]) * 60 + Number(m[4] ?? 0);
  return (m[1] === '-' ? -1000 : 1000) * seconds;
}
