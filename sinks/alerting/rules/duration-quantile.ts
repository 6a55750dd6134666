import * as v from 'valibot';
import { createHistogramMeasure } from '../histogram-measure.ts';
import { resolvesBelow, ruleEntries, windowOf } from '../rule.ts';
import type { RuleKind } from '../rule.ts';
import { selecting } from '../where.ts';
import { growthEntries, lookBackOf, timesEntries } from './times.ts';

const config = v.pipe(
  v.strictObject({
    type: v.literal('duration_quantile'),
    ...ruleEntries,
    ...selecting(['interface'], ['interface']),
    window: windowOf('5m'),
    ...timesEntries,
    ...growthEntries,
  }),
  resolvesBelow(),
);
type Config = v.InferOutput<typeof config>;

/** How long transactions take, as a quantile. */
export const durationQuantileRule = {
  type: 'duration_quantile',
  summary:
    'How long the transactions that were completed within `window` took: their p95, or another quantile, is above `above`.',
  example: `- name: order-p95
  type: duration_quantile
  where: { interface: shop-order }
  quantile: 0.95
  above: 20s
  resolve_at: 15s
`,
  config,
  lookBackMs: lookBackOf,
  bound: ({ above }) => above,
  create: (settings, { bucketMs }) => createHistogramMeasure('duration', settings, bucketMs),
} satisfies RuleKind<Config>;
