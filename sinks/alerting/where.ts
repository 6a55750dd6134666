import * as v from 'valibot';
import { patternRegex } from '../../common/flow.ts';
import type { Labels } from './count.ts';

/** Which of what is counted a rule looks at, and how it tells it apart. */

const pattern = v.pipe(
  v.string('must be a text'),
  v.maxLength(500, 'must be at most 500 characters'),
  v.transform((text) => [text]),
);
const patterns = v.union(
  [
    pattern,
    v.pipe(
      v.array(v.pipe(v.string('must be a text'), v.maxLength(500, 'must be at most 500 characters'))),
      v.minLength(1, 'must name at least one'),
      v.maxLength(500, 'must name at most 500'),
    ),
  ],
  'must be a text or a list of texts',
);

/** What `where` of the config asks of each label. */
export type Where = Readonly<Record<string, readonly string[] | undefined>>;

const MEANING: Readonly<Record<string, string>> = {
  interface: 'Only these interfaces',
  step: 'Only these steps',
  branch: 'Only these branches: receivers of a step that fans out',
  error_code: 'Only these error codes',
  input: 'Only of these inputs',
  stage: 'Only of these stages: `decode`, `validate`, `sink NAME`, …',
};

/** Entries `where` and `group_by` of a rule's schema. @param labels that the rule's counts have. */
export function selecting<L extends string>(labels: readonly L[], groupBy: readonly L[]) {
  const entries = Object.fromEntries(
    labels.map((label) => [
      label,
      v.exactOptional(
        v.pipe(
          patterns,
          v.description(
            `${MEANING[label] ?? ''}; a text or a list, each may hold \`*\` (any letters) and \`?\` (one letter).`,
          ),
        ),
      ),
    ]),
  );
  const names = labels.map((label) => `\`${label}\``).join(', ');
  return {
    // As what its readers need: they go over whatever labels there are.
    where: v.optional(v.strictObject(entries), {}) as v.GenericSchema<unknown, Where>,
    group_by: v.optional(
      v.pipe(
        v.array(
          v.picklist(labels, `must be one of ${labels.join(', ')}`),
          `must be a list of ${labels.join(', ')}`,
        ),
        v.description(
          `What is told apart: each combination has an alert, and so messages, of its own. Of ${names}; an empty list: one for all.`,
        ),
      ),
      [...groupBy],
    ) as v.GenericSchema<unknown, string[]>,
  };
}

/** Whether counts with these labels are the rule's. */
export type Matches = (labels: Labels) => boolean;

export function createMatcher(where: Where): Matches {
  const conditions = Object.entries(where).flatMap(([label, patterns]) =>
    patterns === undefined ? [] : [{ label, regexes: patterns.map(patternRegex) }],
  );
  return (labels) =>
    conditions.every(({ label, regexes }) => regexes.some((regex) => regex.test(labels[label] ?? '')));
}

/** Texts without `*` and `?`: what is named as it is. */
export function exactOnes(patterns: readonly string[] | undefined): string[] {
  return (patterns ?? []).filter((text) => !/[*?]/.test(text));
}

/** A key for the labels that a rule tells apart, and those labels. */
export function groupOf(groupBy: readonly string[], labels: Labels): { key: string; labels: Labels } {
  const values = groupBy.map((label) => labels[label] ?? '');
  return {
    key: JSON.stringify(values),
    labels: Object.fromEntries(groupBy.map((label, at) => [label, values[at] ?? ''])),
  };
}
