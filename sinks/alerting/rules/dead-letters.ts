import * as v from 'valibot';
import { createCountingMeasure } from '../counting-measure.ts';
import { countBounds, resolvesBelow, ruleEntries, windowOf } from '../rule.ts';
import type { RuleKind } from '../rule.ts';
import { selecting } from '../where.ts';
import { growthEntries, lookBackOf } from './times.ts';

const config = v.pipe(
  v.strictObject({
    type: v.literal('dead_letters'),
    ...ruleEntries,
    ...selecting(['input', 'stage'], ['input', 'stage']),
    window: windowOf('5m'),
    ...countBounds,
    ...growthEntries,
  }),
  resolvesBelow(),
);
type Config = v.InferOutput<typeof config>;

/** Records that could not be taken. */
export const deadLettersRule = {
  type: 'dead_letters',
  summary:
    'Records became dead letters: more than `above` within `window`; with `grows_by` only if that is more than what was usual before.',
  example: `- name: dead-letters
  type: dead_letters
  above: 10
`,
  config,
  lookBackMs: lookBackOf,
  bound: ({ above }) => above,
  create: (settings, { bucketMs }) => createCountingMeasure('dead_letter', settings, bucketMs),
} satisfies RuleKind<Config>;
