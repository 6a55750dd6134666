import * as v from 'valibot';
import { pathTo } from '../common/config-values.ts';
import { checkTrackingLog } from '../common/tracking-log.ts';
import { compileRule } from './compile-rule.ts';
import type { DecoderConfig } from './decoders/registry.ts';
import type { InputConfig } from './inputs/registry.ts';
import type { MappingConfig } from './mapping.ts';
import type { Rule } from './mapping-rule.ts';

/** Mistakes of a mapping that no record is needed to see: only what is wrong whatever comes. */

type Path = [string | number, ...(string | number)[]];
interface Mistake {
  path: Path;
  message: string;
}
interface PlacedRule {
  /** The field of the standard log; undefined of a rule for a key of `business_keys` or `attributes`, which take any text. */
  target: string | undefined;
  rule: Rule;
  path: Path;
}

const NAMES_TOLD_MAX = 20;

/** Refuses inputs whose mappings give values that no log may have, or read columns that there are not. */
export const mappingsFit = <T extends InputConfig>() =>
  v.rawCheck<T[]>(({ dataset, addIssue }) => {
    if (!dataset.typed) return;
    dataset.value.forEach((input, index) => {
      for (const { path, message } of mistakesOf(input)) {
        addIssue({ message, path: pathTo(dataset.value, index, ...path) });
      }
    });
  });

function mistakesOf(input: InputConfig): Mistake[] {
  if (input.mapping === undefined) return [];
  const rules = rulesOf(input.mapping, ['mapping']);
  const names = declaredBy(input);
  return [
    ...rules.flatMap(({ target, rule, path }) => (target === undefined ? [] : valuesOf(target, rule, path))),
    ...(names === undefined ? [] : rules.flatMap((rule) => columnsOf(rule, names))),
  ];
}

function rulesOf(mapping: MappingConfig, path: Path): PlacedRule[] {
  const { logs = [], business_keys, attributes, ...own } = mapping as MappingConfig & Record<string, unknown>;
  const maps = Object.entries({ business_keys, attributes }).flatMap(([name, given]) =>
    typeof given === 'object'
      ? Object.entries(given).map(([key, rule]) => ({ target: undefined, rule, path: [...path, name, key] }))
      : [],
  );
  return [
    ...Object.entries(own as Record<string, Rule>).map(([target, rule]) => {
      return { target, rule, path: [...path, target] as Path };
    }),
    ...(maps as PlacedRule[]),
    ...logs.flatMap(({ when: _, ...log }, index) => rulesOf(log, [...path, 'logs', index])),
  ];
}

/** Values that stand in the config, and that the field does not take. */
function valuesOf(target: string, rule: Rule, path: Path): Mistake[] {
  const told = (place: Path, value: unknown, problem: string | undefined): Mistake[] =>
    problem === undefined
      ? []
      : [{ path: place, message: `is ${JSON.stringify(value)}, and ${target} ${problem}` }];
  if (rule.constant !== undefined)
    return told([...path, 'constant'], rule.constant, problemOfMade(target, rule, rule.constant));
  const { values = {}, ...after } = rule;
  const ofTable = Object.entries(values).flatMap(([key, value]) =>
    told([...path, 'values', key], value, problemOfMade(target, after, value)),
  );
  // It is taken as it is for a field that is empty, and gone on with for what the table lacks: one of them may be what it is for.
  const direct = problemOf(target, rule.default);
  const fits = rule.values !== undefined && problemOfMade(target, after, rule.default) === undefined;
  return [...ofTable, ...(fits ? [] : told([...path, 'default'], rule.default, direct))];
}

/** What is wrong with what the rule makes of a value that stands in it. */
function problemOfMade(target: string, rule: Rule, value: Rule['default']): string | undefined {
  const { values, decimal, unit, multiply, time, zone } = rule;
  const made = compileRule(target, { constant: value, values, decimal, unit, multiply, time, zone } as Rule);
  const result = made.evaluate({ fields: {}, meta: {}, ingestMillis: 0 });
  return 'problem' in result ? `cannot be made of it: ${result.problem}` : problemOf(target, result.value);
}

const LOG = { transaction_id: 'T', step: 's', status: 'info', event_time: '2026-01-31T09:15:00Z' };
const STAMP = { event_id: 'e', ingest_time: '2026-01-31T09:15:00.000000Z', channel: 'file', input: 'in' };

/** What the standard log says of the value in that field; nothing of none. */
function problemOf(target: string, value: unknown): string | undefined {
  if (value === undefined) return undefined;
  const { issues = [] } = checkTrackingLog({ ...LOG, [target]: value }, STAMP);
  return issues.find(({ field }) => field === target)?.reason;
}

/** The fields that every record has, where the config says; undefined where records, or files, bring theirs. */
function declaredBy(input: InputConfig): readonly string[] | undefined {
  // Bodies that are JSON need no decoder.
  if (input.type === 'http' || (input.type === 'ibm-mq' && input.fields_from !== 'body')) return undefined;
  const decoder: DecoderConfig = input.decoder;
  if (decoder.type === 'delimited') return decoder.columns;
  if (decoder.type !== 'fixed-length') return undefined;
  return decoder.fields.flatMap(({ name }) => name ?? []);
}

/** A rule that reads nothing of what there is. One of several fields may be for the records of another input. */
function columnsOf({ rule, path }: PlacedRule, names: readonly string[]): Mistake[] {
  const known = new Set(names);
  // A dot may be part of a name, or lead into a group.
  const isThere = (name: string) =>
    known.has(name) || name.startsWith('meta.') || known.has(name.split('.')[0] ?? name);
  const fields = [rule.field ?? []].flat();
  const inTemplate = [...(rule.template ?? '').matchAll(/\{([^{}]+)\}/g)].map(([, name = '']) => name);
  const missing = [
    ...(fields.some(isThere) ? [] : fields),
    // A template is empty if one of its fields is.
    ...inTemplate.filter((name) => !isThere(name)),
  ];
  if (missing.length === 0) return [];
  const there = names.slice(0, NAMES_TOLD_MAX).join(', ') + (names.length > NAMES_TOLD_MAX ? ', …' : '');
  return [
    { path, message: `reads ${missing.join(', ')}, which the decoder does not give; it gives ${there}` },
  ];
}
