import * as v from 'valibot';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { checkConfig } from '../../common/config.ts';
import { alertsSchema } from './config.ts';
import { ruleKinds, ruleSchema } from './rules/registry.ts';

const schema = v.strictObject({ alerts: alertsSchema });
/** Mistakes as `line key words`. */
const mistakesIn = (yaml: string) =>
  checkConfig(yaml, schema, {}).mistakes?.map(({ line, key, reason }) => `${line} ${key} ${reason}`) ?? [];

test.each(Object.entries(ruleKinds))(
  'the example of a rule of type %s works as it stands',
  (type, { example }) => {
    const [rule] = parse(example) as unknown[];
    expect(v.parse(ruleSchema, rule)).toMatchObject({ type });
  },
);

describe('mistakes are told with their line and in words', () => {
  test.each([
    [
      'rules: [{ name: a, type: fialed }]',
      '2 alerts.rules[0].type must have a `type` that is one of failed, timed_out, slow, failure_rate, no_transactions, duration_quantile, dead_letters, queue_time',
    ],
    ['rules: [{ name: a, type: slow }]', '2 alerts.rules[0].longer_than is required'],
    [
      'rules: [{ name: a, type: failed, where: { branches: x } }]',
      '2 alerts.rules[0].where.branches is not known here; is it misspelt or indented wrongly?',
    ],
    [
      'rules: [{ name: a, type: failed, group_by: [node] }]',
      '2 alerts.rules[0].group_by[0] must be one of interface, step, branch, error_code',
    ],
    [
      'rules: [{ name: a, type: failed, above: 2, resolve_at: 5 }]',
      '2 alerts.rules[0] must not have a `resolve_at` that is greater than `above`',
    ],
    [
      'rules: [{ name: a, type: failed, channels: [mial] }]',
      '2 alerts.rules[0].channels[0] names no channel of the config: mial; there is none',
    ],
    [
      'rules: [{ name: a, type: failed }, { name: a, type: failed }]',
      '2 alerts.rules[1].name is used twice: a',
    ],
    [
      'rules: [{ name: a, type: no_transactions, calendar: office }]',
      '2 alerts.rules[0].calendar names no calendar of the config: office; there is none',
    ],
    ['rules: [{ name: a, type: failed, window: 2d }]', '2 alerts.rules[0].window must be at most 24h'],
    [
      "rules: [{ name: a, type: failure_rate, above: '0.05' }]",
      '2 alerts.rules[0].above must be a share from 0% to 100%, like 5% or 0.5%',
    ],
    [
      'inhibit: [{ when: a, quiet: [b] }]',
      '2 alerts.inhibit[0].when names no rule of the config: a; there is none',
    ],
    ['time_zone: Asia/Soul', '2 alerts.time_zone must be the name of a time zone, like Asia/Seoul or UTC'],
    [
      "calendars: [{ name: c, hours: [{ days: [mon], from: '18:00', to: '09:00' }] }]",
      '2 alerts.calendars[0].hours[0].to must be later than `from`',
    ],
    [
      "calendars: [{ name: c, hours: [{ days: [mon], from: '09:00', to: '18:00' }], holidays: [2026-02-30] }]",
      '2 alerts.calendars[0].holidays[0] must be a day that there is',
    ],
    [
      'channels: [{ name: c, type: webhook, url: example.com }]',
      '2 alerts.channels[0].url must be a whole address, like https://host/path',
    ],
    [
      "channels: [{ name: c, type: email, host: h, from: nobody, to: ['a@b.c'] }]",
      '2 alerts.channels[0].from must be an address, like ops@example.com or Ops <ops@example.com>',
    ],
  ])('%s', (section, mistake) => {
    expect(mistakesIn(`alerts:\n  ${section}\n`)).toContain(mistake);
  });

  test('a placeholder that there is none of', () => {
    const body =
      'channels: [{ name: c, type: webhook, url: "https://a.example", body: { t: "{{sujbect}}" } }]';
    expect(mistakesIn(`alerts:\n  ${body}\n`)[0]).toMatch(
      /^2 alerts\.channels\[0\]\.body holds \{\{sujbect\}\}, which is none of: id, /,
    );
    expect(mistakesIn('alerts:\n  link: "https://a.example/{{x}}"\n')[0]).toMatch(
      /^2 alerts\.link may only hold placeholders that there are/,
    );
  });
});
