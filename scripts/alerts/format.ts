import { timestampFromMillis } from '../../common/timestamp.ts';
import { zonedTime } from '../../common/zoned-time.ts';
import type { Alert } from '../../sinks/alerting/alert.ts';
import type { Labels } from '../../sinks/alerting/count.ts';
import type { Silence } from '../../sinks/alerting/quiet.ts';
import type { ReplayedAlert } from '../../sinks/alerting/replay.ts';
import type { Trouble } from '../../sinks/alerting/store.ts';
import { textOf } from '../../sinks/alerting/text.ts';
import { table } from '../table.ts';

/** Alerts as a person reads them. */

/** @returns what makes a time in the zone of ms since 1970. */
export function timeIn(zone: string): (millis: number | undefined) => string {
  const time = zonedTime(zone);
  return (millis) => (millis === undefined ? '' : time(timestampFromMillis(millis)));
}

export function labelsText(labels: Labels): string {
  return Object.entries(labels)
    .flatMap(([label, value]) => (value === '' ? [] : `${label}=${value}`))
    .join(' ');
}

export function formatAlerts(alerts: readonly Alert[], zone: string): string {
  if (alerts.length === 0) return 'no alert is pending or firing';
  const time = timeIn(zone);
  const rows = [...alerts]
    .sort((a, b) => a.state.localeCompare(b.state) || a.since - b.since)
    .map(({ rule, labels, state, since, fired_at, count, cleared, told }) => [
      state,
      rule,
      labelsText(labels),
      time(since),
      time(fired_at),
      count === 0 ? '' : String(count),
      cleared === 0 ? '' : String(cleared),
      told === undefined ? (state === 'firing' ? 'held back' : '') : time(told.at),
    ]);
  return table(['state', 'rule', 'of', 'since', 'firing since', 'count', 'cleared', 'last told'], rows);
}

export function formatSilences(silences: readonly Silence[], zone: string, now: number): string {
  if (silences.length === 0) return 'no silence';
  const time = timeIn(zone);
  return table(
    ['id', 'silence', 'of', 'from', 'until', 'by', 'comment'],
    silences.map(({ id, where, from, until, by, comment }) => [
      id,
      until <= now ? 'over' : 'active',
      labelsText(where) || '(everything)',
      time(from),
      time(until),
      by,
      comment,
    ]),
  );
}

export function formatTroubles(troubles: ReadonlyMap<string, Trouble>, zone: string): string {
  const time = timeIn(zone);
  return table(
    ['channel', 'does not take messages since', 'why'],
    [...troubles].map(([name, { words, since }]) => [name, time(since), words]),
  );
}

/** What would have fired, in the order of time. */
export function formatReplay(alerts: readonly ReplayedAlert[], zone: string): string {
  const time = timeIn(zone);
  const settings = { timeZone: zone, link: undefined };
  const rows = [...alerts]
    .sort((a, b) => a.fired.at - b.fired.at)
    .map(({ fired, resolved }) => {
      const last = resolved ?? fired;
      const what = textOf({ ...last, kind: 'firing', value: last.peak }, 'en', settings).subject.replace(
        /^.*?: /,
        '',
      );
      return [
        fired.rule,
        fired.severity,
        time(fired.since),
        time(fired.at),
        resolved === undefined ? '(still firing)' : time(resolved.at),
        what,
      ];
    });
  return table(['rule', 'severity', 'since', 'fires', 'resolved', 'what'], rows);
}
