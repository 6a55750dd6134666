import * as v from 'valibot';
import { duration, partName, pathTo, unique } from '../../common/config-values.ts';
import { calendarsSchema } from './calendar.ts';
import { channelSchema } from './channels/registry.ts';
import { PLACEHOLDERS, unknownPlaceholders } from './placeholders.ts';
import { ruleSchema } from './rules/registry.ts';
import { zoneName } from './zone.ts';

/** The section `alerts:` of the config. Durations are in milliseconds. */

/** The sink's name, and so part of its groups' names; no entry of `sinks:` has it. */
export const ALERTS_SINK = 'alerts';

const ruleName = (description: string) => partName(description);

const inhibitSchema = v.strictObject({
  when: ruleName('Name of a rule: while an alert of it fires, …'),
  quiet: v.pipe(
    v.array(ruleName('Name of a rule.'), 'must be a list of names of rules'),
    v.minLength(1, 'must name at least one rule'),
    v.description('… nobody is told of alerts of these rules, …'),
  ),
  equal: v.optional(
    v.pipe(
      v.array(v.string('must be the name of a label'), 'must be a list of labels'),
      v.description('… if both have these labels with the same value.'),
    ),
    [],
  ),
});

const link = v.pipe(
  v.string('must be a text'),
  v.maxLength(2000, 'must be at most 2000 characters'),
  v.check(
    (text) => unknownPlaceholders(text).length === 0,
    `may only hold placeholders that there are: ${PLACEHOLDERS.join(', ')}`,
  ),
  v.description(
    'A link in every message: `https://grafana.example/d/eai?var-interface={{interface}}`. Placeholders as in the `body` of a webhook.',
  ),
);

const sectionSchema = v.strictObject({
  resolution: v.optional(
    v.pipe(
      duration(
        'How long a bucket is: the step in which rules look and windows move; from 250ms to 1m. With another one, counting begins anew.',
      ),
      v.minValue(250, 'must be at least 250ms'),
      v.maxValue(60_000, 'must be at most 1m'),
    ),
    '10s',
  ),
  time_zone: v.optional(zoneName('The zone of times in messages.'), 'UTC'),
  link: v.exactOptional(link),
  calendars: calendarsSchema,
  channels: v.pipe(
    v.optional(
      v.pipe(v.array(channelSchema, 'must be a list of channels'), v.maxLength(50, 'must be at most 50')),
      [],
    ),
    unique('name'),
    v.description('Where messages go.'),
  ),
  rules: v.pipe(
    v.optional(
      v.pipe(v.array(ruleSchema, 'must be a list of rules'), v.maxLength(200, 'must be at most 200')),
      [],
    ),
    unique('name'),
    v.description('What is told.'),
  ),
  inhibit: v.pipe(
    v.optional(v.array(inhibitSchema, 'must be a list'), []),
    v.description('Alerts that explain others: the hub is down, so nobody need hear of its receivers.'),
  ),
});

/** Names that stand for nothing are mistakes where they are written. */
const namesExist = v.rawCheck<v.InferOutput<typeof sectionSchema>>(({ dataset, addIssue }) => {
  if (!dataset.typed) return;
  const { rules, channels, calendars, inhibit } = dataset.value;
  const names = {
    channel: new Set(channels.map(({ name }) => name)),
    rule: new Set(rules.map(({ name }) => name)),
    calendar: new Set(calendars.map(({ name }) => name)),
  };
  const check = (kind: keyof typeof names, name: string, ...path: [string, ...(string | number)[]]) => {
    if (names[kind].has(name)) return;
    const known = [...names[kind]].join(', ');
    addIssue({
      message: `names no ${kind} of the config: ${name}; ${known === '' ? 'there is none' : `there are ${known}`}`,
      path: pathTo(dataset.value, ...path),
    });
  };
  rules.forEach((rule, at) => {
    rule.channels.forEach((name, place) => check('channel', name, 'rules', at, 'channels', place));
    if ('calendar' in rule && rule.calendar !== undefined)
      check('calendar', rule.calendar, 'rules', at, 'calendar');
  });
  inhibit.forEach(({ when, quiet }, at) => {
    check('rule', when, 'inhibit', at, 'when');
    quiet.forEach((name, place) => check('rule', name, 'inhibit', at, 'quiet', place));
  });
});

export const alertsSchema = v.pipe(sectionSchema, namesExist);
export type AlertsConfig = v.InferOutput<typeof alertsSchema>;
