import { createHash } from 'node:crypto';
import type { Detail, Labels } from './count.ts';
import type { BaseRule, Reading } from './rule.ts';

/**
 * An alert: a rule's condition for one group of labels.
 *
 *   (none) ──(over)──▶ pending ──(over for as long as `for`)──▶ firing ──(under for as long as `resolve_after`)──▶ resolved, gone
 *   pending ──(not over)──▶ (none)
 *   firing ──(over or between)──▶ firing: what had begun to be calm is forgotten
 *
 * `unknown` (outside of business hours) changes nothing, and nobody is reminded then. Times are ends of buckets, ms since 1970, but for `since` and `last_at`, which are when things
 * happened. It is plain data: kept as JSON between evaluations, and by them across restarts.
 */
export interface Alert {
  rule: string;
  /** Of its group; unique within the rule. */
  key: string;
  labels: Labels;
  state: 'pending' | 'firing';
  /** When the first of what it is about happened. */
  since: number;
  /** When the condition was first found to hold. */
  held_since: number;
  fired_at?: number;
  /** Outside of its hours: nobody is reminded of it. */
  asleep?: true;
  /** Since when a firing alert is under its bound. */
  calm_since?: number;
  last_at?: number;
  value: number;
  /** The worst value so far. */
  peak: number;
  /** All that it is about, since it began; and how many of them were cleared. */
  count: number;
  cleared: number;
  detail?: Detail;
  /** The last message: when, how many there were by then, and the how manieth. Absent while nobody was told. */
  told?: { at: number; count: number; number: number };
}

/** What became of an alert at the end of a bucket. */
export type Step = { alert: Alert; resolved: boolean } | undefined;

/**
 * One step of an alert.
 *
 * @param alert undefined if there is none yet.
 * @param reading undefined if the rule has nothing to say of its group any more: it is under the bound then.
 * @param now end of the bucket.
 */
export function stepAlert(
  rule: Pick<BaseRule, 'name' | 'for' | 'resolve_after'>,
  alert: Alert | undefined,
  reading: Reading | undefined,
  now: number,
): Step {
  const level = reading?.level ?? 'under';
  if (alert === undefined) {
    if (reading === undefined || level !== 'over') return undefined;
    return { alert: promoted(rule, begun(rule.name, reading, now), now), resolved: false };
  }
  const { asleep: _, ...next } = withReading(alert, reading);
  if (level === 'unknown') return { alert: { ...next, asleep: true }, resolved: false };
  if (next.state === 'pending') {
    return level === 'over' ? { alert: promoted(rule, next, now), resolved: false } : undefined;
  }
  if (level !== 'under') return { alert: withoutCalm(next), resolved: false };
  const calm = { ...next, calm_since: next.calm_since ?? now };
  return { alert: calm, resolved: now - calm.calm_since >= rule.resolve_after };
}

function begun(rule: string, reading: Reading, now: number): Alert {
  const { key, labels, value, n, since, last_at, detail } = reading;
  return {
    rule,
    key,
    labels,
    state: 'pending',
    since: since ?? now,
    held_since: now,
    value,
    peak: value,
    count: n,
    cleared: 0,
    ...(last_at === undefined ? {} : { last_at }),
    ...(detail === undefined ? {} : { detail }),
  };
}

function promoted(rule: Pick<BaseRule, 'for'>, alert: Alert, now: number): Alert {
  return now - alert.held_since >= rule.for ? { ...alert, state: 'firing', fired_at: now } : alert;
}

function withReading(alert: Alert, reading: Reading | undefined): Alert {
  if (reading === undefined) return alert;
  const last_at = Math.max(alert.last_at ?? 0, reading.added > 0 ? (reading.last_at ?? 0) : 0);
  const detail = alert.detail ?? reading.detail;
  return {
    ...alert,
    value: reading.value,
    peak: Math.max(alert.peak, reading.value),
    count: alert.count + reading.added,
    cleared: alert.cleared + (reading.cleared ?? 0),
    ...(last_at > 0 ? { last_at } : {}),
    ...(detail === undefined ? {} : { detail }),
  };
}

function withoutCalm({ calm_since: _, ...alert }: Alert): Alert {
  return alert;
}

/** The same for every message of one alert, from firing to resolved, and for no other. */
export function alertId({ rule, key, fired_at }: Alert): string {
  return hashOf(rule, key, String(fired_at));
}

export function hashOf(...parts: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 32);
}
