import { TODO } from '../../common/config-todo.ts';
import type { Shape } from './shape.ts';
import { distinct } from './profile.ts';
import type { Profile } from './profile.ts';
import { byName, isNamed, stepOf, timeOf, transactionIdOf } from './roles.ts';
import type { NamedRole } from './roles.ts';
import { guessStatusValues } from './status-values.ts';

/** One rule of a proposed mapping. */
export interface ProposedRule {
  target: string;
  /** As in a config: the name of a field, or an object. */
  rule: unknown;
  why: string;
  /** Written as a comment: nothing looks like it, and it may stay away. */
  isOptional?: true;
}

export interface Proposal {
  rules: ProposedRule[];
  /** Steps of the flow, as they came; empty if nobody knows. */
  steps: string[];
}

/** @param zone of times without one, if it is known. */
export function proposeMapping(
  profiles: readonly Profile[],
  shape: Shape,
  zone: string | undefined,
): Proposal {
  if (shape.decoder.type === 'ibm-ace') return ofMonitoringEvents(profiles);
  const id = transactionIdOf(profiles);
  const others = profiles.filter((profile) => profile !== id);
  const time = timeOf(others);
  const rest = others.filter((profile) => profile !== time?.profile);
  const step = stepOf(rest);
  const free = rest.filter((profile) => profile !== step);
  return {
    rules: [
      ruleOfId(id),
      ruleOfInterface(free),
      ruleOfStep(step),
      ruleOfStatus(free),
      ruleOfTime(time, zone),
      ...plainRules(free),
      {
        target: 'attributes',
        rule: 'rest',
        why: 'every other field, by its own name; name the ones that people search by under business_keys',
      },
    ],
    steps: step === undefined ? [] : distinct(step),
  };
}

function ruleOfId(id: Profile | undefined): ProposedRule {
  const target = 'transaction_id';
  if (id === undefined)
    return {
      target,
      rule: TODO,
      why: 'TODO no field looks like an id: name the one that all logs of a transaction share',
    };
  const count = distinct(id).length;
  return {
    target,
    rule: id.path,
    why: `${count} different ids in ${id.texts.length} records, like ${quoted(id.texts[0])}; all logs of a transaction must have the same`,
  };
}

function ruleOfInterface(profiles: readonly Profile[]): ProposedRule {
  const target = 'interface_id';
  const found = byName(profiles, 'interface');
  if (found !== undefined) return { target, rule: found.path, why: `like ${quoted(found.texts[0])}` };
  return {
    target,
    rule: { constant: 'my-interface' },
    why: 'no field looks like the name of the exchange; give one if there are several',
    isOptional: true,
  };
}

function ruleOfStep(step: Profile | undefined): ProposedRule {
  const target = 'step';
  if (step === undefined) {
    return {
      target,
      rule: { constant: TODO },
      why: 'TODO which process writes this file: send, hub, receive, or any other name that the flow has',
    };
  }
  return {
    target,
    rule: step.path,
    why: `found ${listed(distinct(step))}; with \`values\` they can be given other names`,
  };
}

function ruleOfStatus(profiles: readonly Profile[]): ProposedRule {
  const target = 'status';
  for (const profile of profiles.filter((each) => isNamed(each, 'status') && each.share >= 0.8)) {
    const guess = guessStatusValues(distinct(profile), mostOften(profile.texts));
    if (guess === undefined) continue;
    const { values, default: other, why } = guess;
    const isPlain = Object.keys(values).length === 0 && other === undefined;
    const rule = isPlain
      ? profile.path
      : {
          field: profile.path,
          ...(Object.keys(values).length === 0 ? {} : { values }),
          ...(other === undefined ? {} : { default: other }),
        };
    const open = Object.values(values).includes(TODO)
      ? 'TODO say what each of its texts means: started, succeeded, failed, skipped or info; '
      : '';
    return { target, rule, why: `${open}${why}` };
  }
  return {
    target,
    rule: { constant: TODO },
    why: 'TODO no field tells how it went: started, succeeded, failed, skipped or info for every record, or a field with `values`',
  };
}

function ruleOfTime(time: ReturnType<typeof timeOf>, zone: string | undefined): ProposedRule {
  const target = 'event_time';
  if (time === undefined)
    return {
      target,
      rule: TODO,
      why: 'TODO no field looks like a time: name it, with its pattern: { field: at, time: yyyyMMddHHmmss, zone: Asia/Seoul }',
    };
  const { profile, guess } = time;
  const pattern = guess.patterns.length === 1 ? guess.patterns[0] : guess.patterns;
  const like = `like ${quoted(profile.texts[0])}`;
  if (guess.patterns[0] === 'rfc3339') return { target, rule: profile.path, why: like };
  if (guess.hasZone) return { target, rule: { field: profile.path, time: pattern }, why: like };
  return {
    target,
    rule: { field: profile.path, time: pattern, zone: zone ?? TODO },
    why:
      zone === undefined
        ? `${like}; TODO these times say no zone: give the one of the machine that writes them, like Asia/Seoul or UTC`
        : `${like}, in the zone that was given`,
  };
}

const PLAIN: readonly (readonly [string, NamedRole])[] = [
  ['source_system', 'source'],
  ['target_system', 'target'],
  ['node', 'node'],
  ['process', 'process'],
  ['error_code', 'errorCode'],
  ['error_message', 'errorMessage'],
  ['payload', 'payload'],
];

function plainRules(profiles: readonly Profile[]): ProposedRule[] {
  const plain = PLAIN.flatMap(([target, role]) => {
    const found = byName(profiles, role);
    return found === undefined ? [] : [{ target, rule: found.path, why: `like ${quoted(found.texts[0])}` }];
  });
  const duration = byName(profiles, 'duration');
  if (duration === undefined || !duration.texts.every((text) => /^\d+(?:\.\d+)?\s*(?:ms|s|us)?$/.test(text)))
    return plain;
  return [
    ...plain,
    {
      target: 'duration_ms',
      rule: { field: duration.path, unit: 'ms' },
      why: `like ${quoted(duration.texts[0])}; taken for milliseconds where it says no unit`,
    },
  ];
}

/** What these events are is known; only the id is the installation's own choice. */
function ofMonitoringEvents(profiles: readonly Profile[]): Proposal {
  const data = profiles.filter(({ path }) => path.startsWith('data.'));
  const ids = [
    'global_transaction_id',
    ...[transactionIdOf(data)?.path ?? []].flat(),
    'local_transaction_id',
  ];
  const rules: ProposedRule[] = [
    {
      target: 'transaction_id',
      rule: { field: ids },
      why: 'the first of these that is not empty; the local one is that of a single flow, so an id from the message joins more',
    },
    {
      target: 'interface_id',
      rule: { constant: 'my-interface' },
      why: 'the name of the exchange, if there are several',
      isOptional: true,
    },
    {
      target: 'step',
      rule: 'message_flow',
      why: 'with `values` flows can be given other names: { OrderIn: send }',
    },
    {
      target: 'status',
      rule: {
        field: 'kind',
        values: { start: 'started', end: 'succeeded', failure: 'failed' },
        default: 'info',
      },
      why: 'from what the event tells of',
    },
    { target: 'event_time', rule: 'time', why: 'when the event was made' },
    { target: 'node', rule: { field: ['host', 'integration_node'] }, why: 'the first that is not empty' },
    { target: 'process', rule: 'integration_server', why: 'the server that the flow runs in' },
    { target: 'payload', rule: 'payload', why: 'the message from the bit stream' },
    {
      target: 'attributes',
      rule: { event: 'event_name', point: 'point' },
      why: 'what else may be looked at',
    },
  ];
  const flows = profiles.find(({ path }) => path === 'message_flow');
  return { rules, steps: flows === undefined ? [] : distinct(flows) };
}

function mostOften(texts: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const text of texts) counts.set(text, (counts.get(text) ?? 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1])[0]?.[0] ?? '';
}

const SHOWN_CHARS = 40;
const SHOWN_VALUES = 6;

function quoted(text = ''): string {
  return JSON.stringify(text.length > SHOWN_CHARS ? `${text.slice(0, SHOWN_CHARS)}…` : text);
}

function listed(values: readonly string[]): string {
  const shown = values.slice(0, SHOWN_VALUES).map(quoted).join(', ');
  return values.length > SHOWN_VALUES ? `${shown} …` : shown;
}
