import { stepAlert } from './alert.ts';
import type { Alert } from './alert.ts';
import { createCalendar } from './calendar.ts';
import type { AlertsConfig } from './config.ts';
import type { Bucket } from './count.ts';
import { gathered, messageOf } from './message.ts';
import type { AlertMessage, MessageKind } from './message.ts';
import { quietOnes } from './quiet.ts';
import type { Silence } from './quiet.ts';
import type { Measure, Reading } from './rule.ts';
import { createMeasure, lookBackOf } from './rules/registry.ts';
import type { RuleConfig } from './rules/registry.ts';

/**
 * Rules over buckets: pure, without a clock. The same buckets from the same state give the same alerts and the same messages, so what is replayed
 * (`tranweave alerts test`) is what would have been, and whoever takes over goes on where the other stood.
 */
export interface Engine {
  /** A bucket that was evaluated before: it only fills the windows. */
  warm(bucket: Bucket): void;
  /** The next bucket; what is to be told at its end. */
  step(bucket: Bucket, silences: readonly Silence[]): AlertMessage[];
  /** Pending and firing ones. */
  alerts(): readonly Alert[];
  /** How many alerts there would be beyond the bound. */
  overflow(): number;
  save(): EngineState;
}

/** What outlives a restart, as JSON takes it. */
export interface EngineState {
  alerts: Alert[];
  /** Rule → what its measure remembers. */
  memories: Record<string, unknown>;
}

/** Alerts of one rule, and of all. Labels come from logs: what is over that is counted, and not told. */
const ALERTS_PER_RULE_MAX = 500;
const ALERTS_MAX = 5000;

/** How far back buckets must be pushed before the first that is evaluated. */
export function lookBackMs({ rules, resolution }: AlertsConfig): number {
  return Math.max(0, ...rules.map(lookBackOf)) + resolution;
}

export function createEngine(config: AlertsConfig, saved?: EngineState): Engine {
  const bucketMs = config.resolution;
  const calendars = new Map(config.calendars.map((one) => [one.name, createCalendar(one)]));
  const calendar = (name: string) => calendars.get(name) ?? (() => true);
  const rules = config.rules.map((rule) => ({ rule, measure: createMeasure(rule, { bucketMs, calendar }) }));
  /** By rule, then by key. */
  const alerts = new Map<string, Map<string, Alert>>(rules.map(({ rule }) => [rule.name, new Map()]));
  let overflow = 0;
  for (const alert of saved?.alerts ?? []) alerts.get(alert.rule)?.set(alert.key, alert);
  for (const { rule, measure } of rules) {
    const memory = saved?.memories[rule.name];
    if (memory !== undefined) measure.memory?.restore(memory);
  }
  const all = () => [...alerts.values()].flatMap((ofRule) => [...ofRule.values()]);

  return {
    warm: (bucket) => {
      // What a measure remembers beyond its window has seen these buckets.
      for (const { measure } of rules) if (measure.memory === undefined) measure.push(bucket);
    },
    step: (bucket, silences) => {
      const now = bucket.at + bucketMs;
      overflow = 0;
      const resolved = rules.flatMap(({ rule, measure }) => stepRule(rule, measure, bucket, now));
      const isQuiet = quietOnes(config, all(), silences, now);
      return gathered([...resolved, ...rules.flatMap(({ rule }) => tellRule(rule, isQuiet, now))]);
    },
    alerts: all,
    overflow: () => overflow,
    save: () => ({
      alerts: all(),
      memories: Object.fromEntries(
        rules.flatMap(({ rule, measure }) =>
          measure.memory === undefined ? [] : [[rule.name, measure.memory.save()]],
        ),
      ),
    }),
  };

  /** @returns messages of alerts that were told and are over; who was not told of the beginning is not told of the end. */
  function stepRule(rule: RuleConfig, measure: Measure, bucket: Bucket, now: number): AlertMessage[] {
    const readings = new Map<string, Reading>(measure.push(bucket).map((reading) => [reading.key, reading]));
    const ofRule = alerts.get(rule.name) ?? new Map<string, Alert>();
    const messages: AlertMessage[] = [];
    for (const key of new Set([...ofRule.keys(), ...readings.keys()])) {
      const before = ofRule.get(key);
      const next = stepAlert(rule, before, readings.get(key), now);
      if (next === undefined) ofRule.delete(key);
      else if (next.resolved) {
        ofRule.delete(key);
        if (next.alert.told !== undefined) messages.push(messageOf(rule, next.alert, 'resolved', now));
      } else if (before !== undefined || hasRoom(ofRule)) ofRule.set(key, next.alert);
      else overflow += 1;
    }
    return messages;
  }

  function hasRoom(ofRule: ReadonlyMap<string, Alert>): boolean {
    if (ofRule.size >= ALERTS_PER_RULE_MAX) return false;
    return [...alerts.values()].reduce((sum, { size }) => sum + size, 0) < ALERTS_MAX;
  }

  function tellRule(rule: RuleConfig, isQuiet: (alert: Alert) => boolean, now: number): AlertMessage[] {
    const ofRule = alerts.get(rule.name) ?? new Map<string, Alert>();
    return [...ofRule.values()].flatMap((alert) => {
      const kind = dueMessage(rule, alert, now);
      if (kind === undefined || isQuiet(alert)) return [];
      const message = messageOf(rule, alert, kind, now);
      ofRule.set(alert.key, { ...alert, told: { at: now, count: alert.count, number: message.number } });
      return [message];
    });
  }
}

function dueMessage(
  rule: RuleConfig,
  { state, told, count, asleep }: Alert,
  now: number,
): MessageKind | undefined {
  if (state !== 'firing') return undefined;
  if (told === undefined) return 'firing';
  if (asleep) return undefined;
  if (count > told.count && now - told.at >= rule.update) return 'update';
  return now - told.at >= rule.repeat ? 'repeat' : undefined;
}
