import type { TimeZone } from '../../common/time-zone.ts';

/**
 * Tumbling windows by the wall clock of a zone: hours, days and weeks as people there name them.
 *
 * They tile time: each begins where the one before ends, whatever the clock does. Days (and other windows of more than an hour) are as long as
 * the day was, 23 or 25 hours when the clock is changed. Of an hour that the clock shows twice each time is a window of its own.
 */
export interface Window {
  /** ms since 1970 of its first moment; what it is named by. */
  start: number;
  /** Of the first moment after it. */
  end: number;
}

export type Windows = (millis: number) => Window;

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;
const WEEK_MS = 7 * DAY_MS;
/** 1970-01-05 was a Monday. */
const MONDAY_MS = 4 * DAY_MS;
/** Zones change their offset on quarter hours only. */
const QUARTER_MS = 900_000;
/** Most transactions fall into the windows of the last hours. */
const REMEMBERED_MAX = 1_000;

/** In words if windows cannot have this size: they must come out even with hours, days or weeks. */
export function wrongSize(sizeMs: number): string | undefined {
  const fits =
    sizeMs > HOUR_MS
      ? sizeMs % HOUR_MS === 0 && (DAY_MS % sizeMs === 0 || sizeMs === WEEK_MS)
      : sizeMs >= MINUTE_MS && sizeMs % MINUTE_MS === 0 && HOUR_MS % sizeMs === 0;
  return fits ? undefined : 'must be minutes that divide an hour, hours that divide a day, 1d or 7d';
}

/** @param sizeMs one that wrongSize has nothing against. */
export function windowsOf(sizeMs: number, zone: TimeZone): Windows {
  const compute = sizeMs > HOUR_MS ? longWindow : shortWindow;
  const remembered = new Map<number, Window>();
  return (millis) => {
    // A minute is in one window: sizes are whole minutes, and so are offsets.
    const minute = Math.floor(millis / MINUTE_MS);
    const known = remembered.get(minute);
    if (known !== undefined) return known;
    if (remembered.size >= REMEMBERED_MAX) remembered.clear();
    const window = compute(minute * MINUTE_MS, sizeMs, zone);
    remembered.set(minute, window);
    return window;
  };
}

/** At most an hour: the same part of an hour by the same offset. */
function shortWindow(millis: number, sizeMs: number, zone: TimeZone): Window {
  const offset = zone.offsetAt(millis);
  const into = modulo(millis + offset, sizeMs);
  let start = millis - into;
  let end = start + sizeMs;
  // A clock that was changed within it cuts it short.
  while (zone.offsetAt(start) !== offset) start = nextQuarter(start);
  while (zone.offsetAt(end - 1) !== offset) end = nextQuarter(end - 1 - QUARTER_MS);
  return { start, end };
}

/** More than an hour: from one wall time to the next. */
function longWindow(millis: number, sizeMs: number, zone: TimeZone): Window {
  const wall = millis + zone.offsetAt(millis);
  const origin = sizeMs === WEEK_MS ? MONDAY_MS : 0;
  const begins = wall - modulo(wall - origin, sizeMs);
  return { start: zone.toUtc(begins), end: zone.toUtc(begins + sizeMs) };
}

function nextQuarter(millis: number): number {
  return (Math.floor(millis / QUARTER_MS) + 1) * QUARTER_MS;
}

function modulo(value: number, by: number): number {
  return ((value % by) + by) % by;
}

/** `2026-03-02T09:00:00+09:00`: the wall time and how far it is ahead of UTC. */
export function zonedText(millis: number, zone: TimeZone): string {
  const offset = zone.offsetAt(millis);
  const wall = new Date(millis + offset).toISOString().slice(0, 19);
  const minutes = Math.abs(Math.round(offset / MINUTE_MS));
  const two = (value: number) => String(value).padStart(2, '0');
  return `${wall}${offset < 0 ? '-' : '+'}${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;
}
