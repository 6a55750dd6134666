import * as v from 'valibot';
import { TRACKING_LOG_FIELDS } from '../common/tracking-log.ts';
import type { FieldIssue } from '../common/tracking-log.ts';
import { compileRule } from './compile-rule.ts';
import type { CompiledRule } from './compile-rule.ts';
import { compileCondition, conditionSchema } from './condition.ts';
import type { Condition, ConditionConfig } from './condition.ts';
import { ruleSchema } from './mapping-rule.ts';
import type { Rule } from './mapping-rule.ts';
import type { Source } from './mapping-value.ts';
import type { Fields } from './outcome.ts';

/** How decoded fields become the fields of the standard log, declared in the config. Without a mapping they are taken by their names. */

/** What the collector sets itself. */
const STAMPED = new Set(['ingest_time', 'channel', 'input']);
const MAPS = ['business_keys', 'attributes'] as const;
type MapField = (typeof MAPS)[number];

const mapOfRules = v.record(v.pipe(v.string(), v.nonEmpty()), ruleSchema, 'must be an object of rules');

const fieldEntries = Object.fromEntries(
  TRACKING_LOG_FIELDS.filter(
    (field) => !STAMPED.has(field) && !(MAPS as readonly string[]).includes(field),
  ).map((field) => [field, v.exactOptional(ruleSchema)]),
);

const entries = {
  ...fieldEntries,
  business_keys: v.exactOptional(
    v.pipe(mapOfRules, v.description('What people search by: name of the key → rule.')),
  ),
  attributes: v.exactOptional(
    v.pipe(
      v.union(
        [v.literal('rest'), mapOfRules],
        'must be `rest` (every field that no rule names), or an object of rules',
      ),
      v.description('Name of the attribute → rule; or `rest` for every field that no rule names.'),
    ),
  ),
};
const notAnObject = 'must be an object whose keys are fields of the standard log';
const LOGS_MAX = 32;

export const mappingSchema = v.pipe(
  v.strictObject(
    {
      ...entries,
      logs: v.exactOptional(
        v.pipe(
          v.array(
            v.strictObject({ when: v.exactOptional(conditionSchema), ...entries }, notAnObject),
            'must be a list of mappings',
          ),
          v.minLength(1, 'must have at least one log'),
          v.maxLength(LOGS_MAX, `must have at most ${LOGS_MAX} logs`),
          v.description(
            'For records that report several things: a mapping for each log, whose rules are added to those above or stand in their place. A log with `when` is there only if that condition holds; if none is, the record is skipped.',
          ),
        ),
      ),
    },
    notAnObject,
  ),
  v.description(
    'Field of the standard log → where its value comes from. Without a mapping, decoded fields are taken by their names.',
  ),
);
export type MappingConfig = v.InferOutput<typeof mappingSchema>;

/** The record for checkTrackingLog, or what is wrong with values that a rule could not use. */
export interface Mapped {
  /** Which of the logs that the mapping can make of a record; part of the log's id, so it does not change with what others there are. */
  index: number;
  record: Record<string, unknown>;
  issues: FieldIssue[];
}
/** The logs of a record; none if it is to be skipped. */
export type Mapping = (source: Source) => Mapped[];

/** The mapping of an input without one: names are taken as they are. */
export const mapByName: Mapping = ({ fields }) => [{ index: 0, record: fields, issues: [] }];

export function createMapping({ logs, ...shared }: MappingConfig): Mapping {
  const compiled = (logs ?? [{}]).map((log) => compileLog(merged(shared, log)));
  // What one log's rules name is no rest for another: a field is told once.
  const named = new Set(compiled.flatMap(({ reads }) => reads));
  return (source) =>
    compiled.flatMap(({ holds, map }, index) =>
      holds === undefined || holds(source) ? [{ index, ...map(source, named) }] : [],
    );
}

type LogConfig = { when?: ConditionConfig | undefined } & Record<string, unknown>;

/** A log's own rules in the place of those of the same name that all logs share. */
function merged(shared: LogConfig, log: LogConfig): LogConfig {
  const maps = MAPS.map((name) => {
    const [all, own] = [shared[name], log[name]];
    const both = typeof all === 'object' && typeof own === 'object' ? { ...all, ...own } : (own ?? all);
    return [name, both] as const;
  });
  return { ...shared, ...log, ...Object.fromEntries(maps) };
}

interface CompiledLog {
  holds: Condition | undefined;
  /** Names of fields that its rules read. */
  reads: string[];
  map: (source: Source, named: ReadonlySet<string>) => Omit<Mapped, 'index'>;
}

function compileLog({ when, business_keys, attributes, ...rest }: LogConfig): CompiledLog {
  const rules = compileRules(rest as Record<string, Rule>);
  const maps = { business_keys, attributes } as Partial<Record<MapField, 'rest' | Record<string, Rule>>>;
  const compiledMaps = MAPS.map((name) => {
    const given = maps[name];
    return {
      name,
      rest: given === 'rest',
      rules: given === undefined || given === 'rest' ? [] : compileRules(given),
    };
  });
  return {
    holds: when === undefined ? undefined : compileCondition(when),
    reads: [...rules, ...compiledMaps.flatMap((map) => map.rules)].flatMap(({ rule }) => rule.reads),
    map: (source, named) => {
      const issues: FieldIssue[] = [];
      const record = evaluateAll(rules, source, issues, '');
      for (const map of compiledMaps) {
        const values = evaluateAll(map.rules, source, issues, `${map.name}.`);
        for (const [name, value] of Object.entries(values)) values[name] = toPlain(value);
        if (map.rest) copyRest(source.fields, named, values);
        if (Object.keys(values).length > 0) record[map.name] = values;
      }
      return { record, issues };
    },
  };
}

interface NamedRule {
  name: string;
  rule: CompiledRule;
}

/** What the rules give, under their names; what is of no use goes to `issues`. */
function evaluateAll(
  rules: readonly NamedRule[],
  source: Source,
  issues: FieldIssue[],
  prefix: '' | `${MapField}.`,
): Record<string, unknown> {
  const values = Object.create(null) as Record<string, unknown>;
  for (const { name, rule } of rules) {
    const result = rule.evaluate(source);
    if ('problem' in result) issues.push({ field: `${prefix}${name}`, reason: result.problem });
    else if (result.value !== undefined && result.value !== '') values[name] = result.value;
  }
  return values;
}

function compileRules(rules: Readonly<Record<string, Rule>>): NamedRule[] {
  return Object.entries(rules).map(([name, rule]) => ({ name, rule: compileRule(name, rule) }));
}

function copyRest(fields: Fields, named: ReadonlySet<string>, values: Record<string, unknown>): void {
  for (const [name, value] of Object.entries(fields)) {
    if (named.has(name) || value === null || value === undefined || value === '') continue;
    values[name] = toPlain(value);
  }
}

/** Maps hold plain values; what is nested is kept as JSON text. */
function toPlain(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  try {
    return JSON.stringify(value);
  } catch (error) {
    // Thousands of levels: no message of anybody's. The validation refuses what is no text, naming the field.
    if (error instanceof RangeError) return value;
    throw error;
  }
}
