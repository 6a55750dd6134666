import * as v from 'valibot';
import { TRACKING_LOG_FIELDS } from '../common/tracking-log.ts';
import type { FieldIssue } from '../common/tracking-log.ts';
import { compileRule, ruleSchema } from './mapping-rule.ts';
import type { Rule } from './mapping-rule.ts';
import type { Fields, RecordOrigin } from './outcome.ts';

/** How decoded fields become the fields of the standard log, declared in the config. Without a mapping they are taken by their names. */

/** What the collector sets itself. */
const STAMPED = new Set(['ingest_time', 'channel', 'input']);
const MAPS = ['business_keys', 'attributes'] as const;
type MapField = (typeof MAPS)[number];

const mapOfRules = v.record(v.pipe(v.string(), v.nonEmpty()), ruleSchema, 'must be an object of rules');

const entries = Object.fromEntries(
  TRACKING_LOG_FIELDS.filter(
    (field) => !STAMPED.has(field) && !(MAPS as readonly string[]).includes(field),
  ).map((field) => [field, v.exactOptional(ruleSchema)]),
);

export const mappingSchema = v.pipe(
  v.strictObject(
    {
      ...entries,
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
    },
    'must be an object whose keys are fields of the standard log',
  ),
  v.description(
    'Field of the standard log → where its value comes from. Without a mapping, decoded fields are taken by their names.',
  ),
);
export type MappingConfig = v.InferOutput<typeof mappingSchema>;

/** The record for checkTrackingLog, or what is wrong with values that a rule could not use. */
export type Mapped = { record: Record<string, unknown>; issues: FieldIssue[] };
export type Mapping = (fields: Fields, origin: RecordOrigin) => Mapped;

/** The mapping of an input without one: names are taken as they are. */
export const mapByName: Mapping = (fields) => ({ record: fields, issues: [] });

export function createMapping(config: MappingConfig): Mapping {
  const { business_keys, attributes, ...rest } = config as Record<string, unknown>;
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
  const named = new Set(
    [...rules, ...compiledMaps.flatMap((map) => map.rules)].flatMap(({ rule }) => rule.reads),
  );
  return (fields, origin) => {
    const record: Record<string, unknown> = Object.create(null) as Record<string, unknown>;
    const issues: FieldIssue[] = [];
    const source = { fields, meta: origin.meta };
    for (const { name, rule } of rules) {
      const result = rule.evaluate(source);
      if ('problem' in result) issues.push({ field: name, reason: result.problem });
      else record[name] = result.value;
    }
    for (const map of compiledMaps) {
      const values: Record<string, unknown> = Object.create(null) as Record<string, unknown>;
      if (map.rest) copyRest(fields, named, values);
      for (const { name, rule } of map.rules) {
        const result = rule.evaluate(source);
        if ('problem' in result) issues.push({ field: `${map.name}.${name}`, reason: result.problem });
        else if (result.value !== undefined && result.value !== '') values[name] = toPlain(result.value);
      }
      if (Object.keys(values).length > 0) record[map.name] = values;
    }
    return { record, issues };
  };
}

function compileRules(rules: Readonly<Record<string, Rule>>) {
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
