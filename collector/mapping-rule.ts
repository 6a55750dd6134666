import * as v from 'valibot';
import { compileTimePattern, patternProblem } from '../common/time-pattern.ts';
import { timeZone } from '../common/time-zone.ts';
import type { Fields } from './outcome.ts';

/** One rule of a mapping: where a field's value comes from and what is made of it. */

const fieldName = v.pipe(v.string('must be the name of a field'), v.nonEmpty('must not be empty'));
const plain = v.union([v.string(), v.number(), v.boolean()], 'must be a text, a number or a boolean');

const ruleObject = v.pipe(
  v.strictObject({
    field: v.exactOptional(
      v.pipe(
        v.union(
          [fieldName, v.pipe(v.array(fieldName), v.minLength(1, 'must name at least one field'))],
          'must be the name of a field, or a list of names',
        ),
        v.description(
          'Name of a decoded field, a path into it (`order.id`), or `meta.path` and the like; of a list, the first that is not empty.',
        ),
      ),
    ),
    constant: v.exactOptional(v.pipe(plain, v.description('The value itself.'))),
    template: v.exactOptional(
      v.pipe(
        v.string('must be a text'),
        v.description('A text with fields in braces: `{order.id}-{line}`; empty if one of them is.'),
      ),
    ),
    values: v.exactOptional(
      v.pipe(
        v.record(v.string(), plain, 'must be an object of texts'),
        v.description('Table from the value found to the value wanted; what it lacks takes `default`.'),
      ),
    ),
    default: v.exactOptional(
      v.pipe(plain, v.description('Taken when the field is empty, or when `values` lacks what it says.')),
    ),
    time: v.exactOptional(
      v.pipe(
        v.string('must be a pattern like "yyyy-MM-dd HH:mm:ss.SSS"'),
        v.rawCheck(({ dataset, addIssue }) => {
          const problem = dataset.typed ? patternProblem(dataset.value) : undefined;
          if (problem !== undefined) addIssue({ message: problem });
        }),
        v.description(
          'Pattern of a time: yyyy MM dd HH mm ss SSS (1 to 9 S), MMM (English month), hh with a, XXX (offset); or rfc3339, epoch_s, epoch_ms, epoch_us.',
        ),
      ),
    ),
    zone: v.exactOptional(
      v.pipe(
        v.string('must be a time zone'),
        v.check((name) => timeZone(name) !== undefined, 'is not a time zone, like Asia/Seoul, UTC or +09:00'),
        v.description('Zone of times that do not name theirs; UTC if not given.'),
      ),
    ),
  }),
  v.check(
    (rule) => [rule.field, rule.constant, rule.template].filter((way) => way !== undefined).length === 1,
    'must have exactly one of `field`, `constant` and `template`',
  ),
  v.check((rule) => rule.zone === undefined || rule.time !== undefined, 'has `zone` without `time`'),
  v.check(
    (rule) => rule.default === undefined || rule.constant === undefined,
    'has a `default` that a `constant` never needs',
  ),
);

export const ruleSchema = v.union(
  [
    v.pipe(
      fieldName,
      v.transform((field): v.InferOutput<typeof ruleObject> => ({ field })),
    ),
    ruleObject,
  ],
  'must be the name of a field, or an object with `field`, `constant` or `template`',
);
export type Rule = v.InferOutput<typeof ruleSchema>;

export interface Source {
  fields: Fields;
  meta: Readonly<Record<string, string>>;
}

export interface CompiledRule {
  /** Top-level names of the decoded fields that it reads. */
  reads: string[];
  /** The value (undefined if there is none), or why the one that was found is of no use. */
  evaluate(source: Source): { value: unknown } | { problem: string };
}

/** Fields of the standard log that are numbers: texts that look like one are taken as one. */
const NUMBERS = new Set(['attempt', 'duration_ms', 'message_size', 'record_count']);

/** @param target the field of the standard log; decides whether the value is to be a number. */
export function compileRule(target: string, rule: Rule): CompiledRule {
  const { read, reads } = compileSource(rule);
  const steps = [tableStep(rule), timeStep(rule), NUMBERS.has(target) ? toNumber : toScalar];
  return {
    reads,
    evaluate: (source) => {
      let value = read(source);
      if (isEmpty(value)) return { value: rule.default };
      for (const step of steps) {
        const result = step(value);
        if ('problem' in result) return result;
        value = result.value;
      }
      return { value };
    },
  };
}

type Step = (value: unknown) => { value: unknown } | { problem: string };

function compileSource(rule: Rule): { read: (source: Source) => unknown; reads: string[] } {
  if (rule.constant !== undefined) return { read: () => rule.constant, reads: [] };
  if (rule.template !== undefined) return compileTemplate(rule.template);
  const paths = [rule.field ?? []].flat();
  const reads = paths.flatMap((path) => [path, path.split('.')[0] ?? path]);
  const [only] = paths;
  if (paths.length === 1 && only !== undefined) return { read: (source) => valueAt(source, only), reads };
  return { read: (source) => paths.map((path) => valueAt(source, path)).find((v) => !isEmpty(v)), reads };
}

function compileTemplate(template: string): { read: (source: Source) => unknown; reads: string[] } {
  const parts = template.split(/\{([^{}]+)\}/);
  const paths = parts.filter((_, index) => index % 2 === 1);
  return {
    reads: paths.flatMap((path) => [path, path.split('.')[0] ?? path]),
    read: (source) => {
      const values = parts.map((part, index) => (index % 2 === 0 ? part : valueAt(source, part)));
      return values.some((value, index) => index % 2 === 1 && isEmpty(value))
        ? undefined
        : values.map(textOf).join('');
    },
  };
}

/** A field by its whole name first, since a dot may be part of it; else as a path. */
function valueAt({ fields, meta }: Source, path: string): unknown {
  if (Object.hasOwn(fields, path)) return fields[path];
  if (path.startsWith('meta.')) return meta[path.slice('meta.'.length)];
  let value: unknown = fields;
  for (const part of path.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) return undefined;
    value = (value as Record<string, unknown>)[part];
  }
  return value;
}

function isEmpty(value: unknown): boolean {
  return value === undefined || value === null || value === '';
}

function textOf(value: unknown): string {
  if (typeof value === 'string') return value;
  try {
    return JSON.stringify(value);
  } catch (error) {
    // Thousands of levels deep: it fits no table and no time.
    if (error instanceof RangeError) return '';
    throw error;
  }
}

function tableStep(rule: Rule): Step {
  if (rule.values === undefined) return (value) => ({ value });
  const table = new Map(Object.entries(rule.values));
  return (value) => {
    const found = table.get(textOf(value)) ?? rule.default;
    return found === undefined
      ? {
          problem: `the value table has no entry for ${JSON.stringify(textOf(value).slice(0, 64))} and there is no default`,
        }
      : { value: found };
  };
}

function timeStep(rule: Rule): Step {
  if (rule.time === undefined) return (value) => ({ value });
  const zone = timeZone(rule.zone ?? 'UTC');
  if (zone === undefined) throw new TypeError(`${rule.zone} is not a time zone`);
  const pattern = compileTimePattern(rule.time, zone);
  return (value) => {
    const text = textOf(value).trim();
    const time = pattern.parse(text);
    return time === undefined
      ? { problem: `${JSON.stringify(text.slice(0, 64))} is not a time of the pattern ${rule.time}` }
      : { value: time };
  };
}

const toScalar: Step = (value) => ({ value: typeof value === 'string' ? value : toText(value) });

function toText(value: unknown): unknown {
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : value;
}

const toNumber: Step = (value) => {
  if (typeof value === 'number') return { value };
  const text = textOf(value).trim();
  return /^[+-]?\d+(\.\d+)?([eE][+-]?\d+)?$/.test(text)
    ? { value: Number(text) }
    : { problem: `${JSON.stringify(text.slice(0, 64))} is not a number` };
};
