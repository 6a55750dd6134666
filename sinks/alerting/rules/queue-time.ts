import * as v from 'valibot';
import { createHistogramMeasure } from '../histogram-measure.ts';
import { resolvesBelow, ruleEntries, windowOf } from '../rule.ts';
import type { RuleKind } from '../rule.ts';
import { selecting } from '../where.ts';
import { growthEntries, lookBackOf, timesEntries } from './times.ts';

const config = v.pipe(
  v.strictObject({
    type: v.literal('queue_time'),
    ...ruleEntries,
    ...selecting(['interface', 'step'], ['interface', 'step']),
    window: windowOf('5m'),
    ...timesEntries,
    ...growthEntries,
  }),
  resolvesBelow(),
);
type Config = v.InferOutput<typeof config>;

/** How long messages wait before a step. */
export const queueTimeRule = {
  type: 'queue_time',
  summary:
    'How long messages wait before a step (from the end of the step before it to its start), as a quantile over the transactions that ended within `window`, is above `above`; with `grows_by` also compared with what was usual before.',
  example: `- name: hub-queue
  type: queue_time
  where: { step: hub }
  above: 5s
  grows_by: 3
`,
  config,
  lookBackMs: lookBackOf,
  bound: ({ above }) => above,
  create: (settings, { bucketMs }) => createHistogramMeasure('queue', settings, bucketMs),
} satisfies RuleKind<Config>;
