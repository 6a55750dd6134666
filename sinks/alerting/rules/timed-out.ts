import * as v from 'valibot';
import { createCountingMeasure } from '../counting-measure.ts';
import { countBounds, resolvesBelow, ruleEntries, windowOf } from '../rule.ts';
import type { RuleKind } from '../rule.ts';
import { selecting } from '../where.ts';

const config = v.pipe(
  v.strictObject({
    type: v.literal('timed_out'),
    ...ruleEntries,
    ...selecting(['interface', 'step', 'branch'], ['interface', 'step', 'branch']),
    window: windowOf('15m'),
    ...countBounds,
  }),
  resolvesBelow(),
);
type Config = v.InferOutput<typeof config>;

/** Transactions whose deadline passed. */
export const timedOutRule = {
  type: 'timed_out',
  summary:
    'Transactions passed a deadline of their flow: more than `above` within `window`. Step and branch are those that are waited for: the first of the flow that is not done. One that is completed late does not count any more.',
  example: `- name: stuck-receivers
  type: timed_out
  where: { step: receive }
`,
  config,
  lookBackMs: ({ window }) => window,
  bound: ({ above }) => above,
  create: (settings, { bucketMs }) => createCountingMeasure('timed_out', settings, bucketMs),
} satisfies RuleKind<Config>;
