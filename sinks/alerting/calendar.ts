import * as v from 'valibot';
import { partName, unique } from '../../common/config-values.ts';
import { zoneName } from './zone.ts';

/** Business hours with holidays, in a time zone. */

const DAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;
type Day = (typeof DAYS)[number];

const date = (description: string) =>
  v.optional(
    v.pipe(
      v.array(
        v.pipe(
          v.string('must be a date like 2026-12-25'),
          v.isoDate('must be a date like 2026-12-25'),
          v.check(isDay, 'must be a day that there is'),
        ),
        'must be a list of dates',
      ),
      v.maxLength(5000, 'must be at most 5000 dates'),
      v.description(description),
    ),
    [],
  );

/** There is no 30 February, which Date takes for one of March. */
function isDay(text: string): boolean {
  const at = Date.parse(`${text}T00:00:00Z`);
  return !Number.isNaN(at) && new Date(at).toISOString().startsWith(text);
}

const time = (description: string) =>
  v.pipe(
    v.string("must be a time of day in quotes, like '09:00'"),
    v.regex(/^(?:[01]\d|2[0-3]):[0-5]\d$|^24:00$/, "must be a time of day like '09:00', at most '24:00'"),
    v.description(description),
  );

const hoursSchema = v.pipe(
  v.strictObject({
    days: v.pipe(
      v.array(v.picklist(DAYS, 'must be one of mon, tue, wed, thu, fri, sat, sun'), 'must be a list of days'),
      v.minLength(1, 'must name at least one day'),
      v.description('Days of the week: `mon` to `sun`.'),
    ),
    from: time("When they begin on these days, in the calendar's time zone; in quotes: `'09:00'`."),
    to: time("When they end; `'24:00'` is the end of the day. Hours over midnight are two entries."),
  }),
  v.forward(
    v.partialCheck([['from'], ['to']], ({ from, to }) => from < to, 'must be later than `from`'),
    ['to'],
  ),
);

export const calendarsSchema = v.pipe(
  v.optional(
    v.array(
      v.strictObject({
        name: partName('Name by which rules refer to it.'),
        time_zone: v.optional(zoneName('Where its hours and dates are.'), 'UTC'),
        hours: v.pipe(
          v.array(hoursSchema, 'must be a list of hours'),
          v.minLength(1, 'must have at least one entry'),
          v.maxLength(50, 'must have at most 50 entries'),
          v.description('Business hours by day of the week.'),
        ),
        holidays: date('Days without business hours, whatever the day of the week.'),
      }),
      'must be a list of calendars',
    ),
    [],
  ),
  unique('name'),
  v.description('Business hours and holidays, for rules that look only then.'),
);
export type CalendarConfig = v.InferOutput<typeof calendarsSchema>[number];

/** Whether a moment, ms since 1970, is within business hours. */
export type IsOpen = (millis: number) => boolean;

export function createCalendar({ time_zone: name, hours, holidays }: CalendarConfig): IsOpen {
  const wallOf = wallClock(name);
  const free = new Set(holidays);
  const spans = new Map<Day, { from: number; to: number }[]>(
    DAYS.map((day) => [
      day,
      hours
        .filter((entry) => entry.days.includes(day))
        .map(({ from, to }) => ({ from: minutesOf(from), to: minutesOf(to) })),
    ]),
  );
  return (millis) => {
    const { date: today, minutes } = wallOf(millis);
    if (free.has(today)) return false;
    const day = DAYS[(new Date(`${today}T00:00:00Z`).getUTCDay() + 6) % 7] ?? 'mon';
    return (spans.get(day) ?? []).some(({ from, to }) => minutes >= from && minutes < to);
  };
}

function minutesOf(text: string): number {
  const [hours = 0, minutes = 0] = text.split(':').map(Number);
  return hours * 60 + minutes;
}

const MINUTE_MS = 60_000;

/** Date and minutes of the day as a clock in the zone shows them. The last answer is kept: a minute is asked for several times. */
function wallClock(zone: string): (millis: number) => { date: string; minutes: number } {
  const format = new Intl.DateTimeFormat('sv-SE', {
    timeZone: zone,
    dateStyle: 'short',
    timeStyle: 'short',
  });
  let last = { minute: NaN, wall: { date: '', minutes: 0 } };
  return (millis) => {
    const minute = Math.floor(millis / MINUTE_MS);
    if (minute !== last.minute) {
      const [date = '', time = ''] = format.format(minute * MINUTE_MS).split(' ');
      last = { minute, wall: { date, minutes: minutesOf(time) } };
    }
    return last.wall;
  };
}
