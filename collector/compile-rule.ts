import type { Rule } from './mapping-rule.ts';
import { stepsOf } from './mapping-steps.ts';
import { isEmpty, textOf, valueAt } from './mapping-value.ts';
import type { Source } from './mapping-value.ts';

/** A rule of a mapping at work: finds the value, then makes of it what the rule says. */

export interface CompiledRule {
  /** Top-level names of the decoded fields that it reads. */
  reads: string[];
  /** The value (undefined if there is none), or why the one that was found is of no use. */
  evaluate(source: Source): { value: unknown } | { problem: string };
}

/** @param target the field of the standard log; decides whether the value is to be a number. */
export function compileRule(target: string, rule: Rule): CompiledRule {
  const { read, reads } = compileSource(rule);
  const steps = stepsOf(rule, target);
  return {
    reads,
    evaluate: (source) => {
      let value = read(source);
      if (isEmpty(value)) return { value: rule.default };
      for (const step of steps) {
        const result = step(value, source.ingestMillis);
        if ('problem' in result) return result;
        value = result.value;
      }
      return { value };
    },
  };
}

type Read = (source: Source) => unknown;
interface Compiled {
  read: Read;
  reads: string[];
}

function compileSource(rule: Rule): Compiled {
  if (rule.constant !== undefined) return { read: () => rule.constant, reads: [] };
  const source = compileFields(rule);
  return rule.substring === undefined
    ? source
    : { read: partOf(source.read, rule.substring), reads: source.reads };
}

/** Of characters, not of what JavaScript counts: none is cut in two. */
function partOf(read: Read, { start, length }: NonNullable<Rule['substring']>): Read {
  return (source) => {
    const characters = Array.from(textOf(read(source)));
    const from = start < 0 ? Math.max(0, characters.length + start) : start;
    return characters.slice(from, length === undefined ? undefined : from + length).join('');
  };
}

function compileFields(rule: Rule): Compiled {
  const readPath = pathReader(rule.empty ?? []);
  if (rule.template !== undefined) return compileTemplate(rule.template, readPath);
  const paths = [rule.field ?? []].flat();
  const reads = paths.flatMap(namesOf);
  const { join } = rule;
  if (join !== undefined)
    return {
      read: (source) =>
        joined(
          paths.map((path) => readPath(source, path)),
          join,
        ),
      reads,
    };
  const [only] = paths;
  if (paths.length === 1 && only !== undefined) return { read: (source) => readPath(source, only), reads };
  return {
    read: (source) => paths.map((path) => readPath(source, path)).find((value) => !isEmpty(value)),
    reads,
  };
}

type ReadPath = (source: Source, path: string) => unknown;

function pathReader(empty: readonly string[]): ReadPath {
  if (empty.length === 0) return valueAt;
  const nothing = new Set(empty);
  return (source, path) => {
    const value = valueAt(source, path);
    return nothing.has(textOf(value).trim()) ? undefined : value;
  };
}

/** A path, and the top-level field that it leads into. */
function namesOf(path: string): string[] {
  return [path, path.split('.')[0] ?? path];
}

function joined(values: readonly unknown[], separator: string): string {
  const all = values.flat().filter((value) => !isEmpty(value));
  return all.map(textOf).join(separator);
}

function compileTemplate(template: string, readPath: ReadPath): Compiled {
  const parts = template.split(/\{([^{}]+)\}/);
  const paths = parts.filter((_, index) => index % 2 === 1);
  return {
    reads: paths.flatMap(namesOf),
    read: (source) => {
      const values = parts.map((part, index) => (index % 2 === 0 ? part : readPath(source, part)));
      return values.some((value, index) => index % 2 === 1 && isEmpty(value))
        ? undefined
        : values.map(textOf).join('');
    },
  };
}
