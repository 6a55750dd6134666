import * as v from 'valibot';
import type { Component } from '../../common/component.ts';
import { duration, partName, wholeNumber } from '../../common/config-values.ts';
import type { Bucket, Detail, Labels } from './count.ts';
import type { IsOpen } from './calendar.ts';

/** Settings that every rule has; spread into its schema. Durations are in milliseconds. */
export const ruleEntries = {
  name: partName('Name of the rule, unique in the config; alerts and messages carry it.'),
  for: v.optional(
    duration(
      'How long the condition must hold before the alert fires; until then it is pending and nobody is told.',
    ),
    '0s',
  ),
  resolve_after: v.optional(
    duration(
      'How long the condition must be over before the alert is resolved: one that comes and goes stays one alert.',
    ),
    '0s',
  ),
  severity: v.optional(
    v.pipe(
      v.picklist(['info', 'warning', 'critical'], 'must be one of info, warning, critical'),
      v.description('How bad it is: a label of the alert.'),
    ),
    'warning',
  ),
  labels: v.pipe(
    v.optional(
      v.record(
        v.pipe(
          v.string(),
          v.regex(/^[a-zA-Z_][a-zA-Z0-9_]{0,99}$/, 'must be named with letters, digits and _'),
        ),
        v.pipe(v.string('must be a text'), v.maxLength(500, 'must be at most 500 characters')),
        'must be an object of texts',
      ),
      {},
    ),
    v.description('More labels of its alerts, for whoever routes messages: a team, a service.'),
  ),
  channels: v.optional(
    v.pipe(
      v.array(v.string('must be the name of a channel'), 'must be a list of names of channels'),
      v.description('Channels that its messages go to; without it all of them.'),
    ),
    [],
  ),
  update: v.optional(
    duration(
      'While it fires, the least time between two messages that say that it goes on: how many more there are by then.',
    ),
    '30m',
  ),
  repeat: v.optional(
    duration('While it fires, after so long without a message another reminds of it.'),
    '4h',
  ),
};

/** How long a rule looks back. */
export function windowOf(fallback: string, description = 'How far back it counts; at most 24h.') {
  return v.optional(
    v.pipe(
      duration(description),
      v.maxValue(86_400_000, 'must be at most 24h'),
      v.minValue(1, 'must not be 0'),
    ),
    fallback,
  );
}

/** `above` and `resolve_at` of rules that count. */
export const countBounds = {
  above: v.optional(wholeNumber(0, 1_000_000_000, 'It is too many above this number within the window.'), 0),
  resolve_at: v.exactOptional(
    wholeNumber(
      0,
      1_000_000_000,
      'It is over at this number or less; `above` if not given. In between, an alert that fires goes on firing, and none begins.',
    ),
  ),
};

/** Refuses a `resolve_at` above `above`, where they would never agree. */
export function resolvesBelow<T extends { above: number; resolve_at?: number }>() {
  return v.rawCheck<T>(({ dataset, addIssue }) => {
    if (!dataset.typed) return;
    const { above, resolve_at } = dataset.value;
    if (resolve_at !== undefined && resolve_at > above)
      addIssue({ message: 'must not have a `resolve_at` that is greater than `above`' });
  });
}

/** What a rule makes of a group of counts at the end of a bucket. */
export interface Reading {
  key: string;
  labels: Labels;
  /** `over`: the condition holds; `between`: an alert that fires goes on, none begins; `under`: it is over; `unknown`: changes nothing. */
  level: Level;
  /** What is compared with the bound: a number, a share, ms. */
  value: number;
  /** How many there are in the window, and how many of them came in this bucket. */
  n: number;
  added: number;
  /** How many failures that were counted before were cleared in this bucket, by later attempts. */
  cleared?: number;
  detail?: Detail;
  /** Time of the newest of them, and the earliest moment at which it can be said to have begun; ms since 1970. */
  last_at?: number;
  since?: number;
}
export type Level = 'over' | 'between' | 'under' | 'unknown';

export function levelOf(value: number, above: number, resolveAt = above): Level {
  if (value > above) return 'over';
  return value > resolveAt ? 'between' : 'under';
}

/**
 * A rule's memory of its window. `push` is called with every bucket, in order, none left out, also with those from before a restart; what was not pushed yet does
 * not exist. A group that is not among the readings is `under`.
 */
export interface Measure {
  /** @returns readings of the window that ends with this bucket. */
  push(bucket: Bucket): readonly Reading[];
  /** What must outlive a restart beyond the buckets of `lookBackMs`, as JSON takes it; absent if nothing must. */
  memory?: { save(): unknown; restore(saved: unknown): void };
}

export interface RuleDeps {
  bucketMs: number;
  /** The calendar of that name; the config's check has seen to it that there is one. */
  calendar: (name: string) => IsOpen;
}

export interface BaseRule {
  name: string;
  type: string;
  group_by: string[];
  for: number;
  resolve_after: number;
  severity: 'info' | 'warning' | 'critical';
  labels: Record<string, string>;
  channels: string[];
  update: number;
  repeat: number;
}

/** A kind of rule; it makes what reads buckets. */
export interface RuleKind<Config> extends Component<Config, RuleDeps, Measure> {
  /** How far back its measure looks, in ms. */
  lookBackMs(config: Config): number;
  /** The bound that its value is compared with. */
  bound(config: Config): number;
}
