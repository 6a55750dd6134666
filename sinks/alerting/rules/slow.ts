import * as v from 'valibot';
import { duration } from '../../../common/config-values.ts';
import { createCountingMeasure } from '../counting-measure.ts';
import { countBounds, resolvesBelow, ruleEntries, windowOf } from '../rule.ts';
import type { RuleKind } from '../rule.ts';
import { selecting } from '../where.ts';

const config = v.pipe(
  v.strictObject({
    type: v.literal('slow'),
    ...ruleEntries,
    ...selecting(['interface'], ['interface']),
    longer_than: v.pipe(
      duration(
        'What was agreed: a transaction that took longer, from its first sign to its last end, is slow.',
      ),
      v.minValue(1, 'must not be 0'),
    ),
    window: windowOf('15m'),
    ...countBounds,
  }),
  resolvesBelow(),
);
type Config = v.InferOutput<typeof config>;

/** Transactions that took longer than agreed. */
export const slowRule = {
  type: 'slow',
  summary:
    'Transactions were completed, but took longer than agreed (an SLA): more than `above` within `window`. What is not completed yet is not seen by it: that is what deadlines of flows and the rule `timed_out` are for.',
  example: `- name: order-sla
  type: slow
  where: { interface: [shop-order, stock-wms-all] }
  longer_than: 30s
  above: 5
`,
  config,
  lookBackMs: ({ window }) => window,
  bound: ({ above }) => above,
  create: (settings, { bucketMs }) =>
    createCountingMeasure(
      'slow',
      { ...settings, where: { ...settings.where, longer_than: [String(settings.longer_than)] } },
      bucketMs,
    ),
} satisfies RuleKind<Config>;
