import * as v from 'valibot';
import type { Alert } from './alert.ts';
import type { AlertsConfig } from './config.ts';
import type { Labels } from './count.ts';
import { createMatcher } from './where.ts';

/** Who is not told: alerts that another explains, and those that somebody has silenced. Their states go on; only messages are held back. */

export const silenceSchema = v.object({
  id: v.string(),
  /** Label, or `rule` or `severity`, → pattern; all must match. */
  where: v.record(v.string(), v.string()),
  /** ms since 1970. */
  from: v.number(),
  until: v.number(),
  by: v.string(),
  comment: v.string(),
});
export type Silence = v.InferOutput<typeof silenceSchema>;

/** @returns whether nobody is to be told of an alert now. */
export function quietOnes(
  { inhibit, rules }: Pick<AlertsConfig, 'inhibit' | 'rules'>,
  alerts: readonly Alert[],
  silences: readonly Silence[],
  now: number,
): (alert: Alert) => boolean {
  const ruleLabels = new Map(
    rules.map(({ name, severity, labels }) => [name, { ...labels, rule: name, severity }]),
  );
  const allLabels = ({ rule, labels }: Alert): Labels => ({ ...ruleLabels.get(rule), ...labels });
  const active = silences
    .filter(({ from, until }) => from <= now && now < until)
    .map(({ where }) =>
      createMatcher(Object.fromEntries(Object.entries(where).map(([label, text]) => [label, [text]]))),
    );
  const firing = alerts.filter(({ state }) => state === 'firing');
  return (alert) => {
    const labels = allLabels(alert);
    if (active.some((matches) => matches(labels))) return true;
    return inhibit.some(
      ({ when, quiet, equal }) =>
        quiet.includes(alert.rule) &&
        firing.some(
          (source) =>
            source.rule === when && equal.every((label) => isSame(allLabels(source), labels, label)),
        ),
    );
  };
}

/** A label that one of the two does not have is no reason to think that they belong together. */
function isSame(a: Labels, b: Labels, label: string): boolean {
  return a[label] !== undefined && a[label] === b[label];
}
